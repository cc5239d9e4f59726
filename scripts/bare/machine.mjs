// What of this machine a bare Debian needs to reach mirrors and registries as it does: no more goes in.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const CERTIFICATES = '/etc/kvm-memtype-machine-ca.crt';
const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** How this machine's apt reaches its mirrors (proxies, dates it forgives), as a configuration file; which files it reads is Debian's matter. */
function aptConfiguration() {
  const dump = execFileSync('apt-config', ['dump', 'Acquire'], { encoding: 'utf8' });
  return dump.replace(/^Acquire(::IndexTargets.*| .*)\n/gm, '');
}

/** npm's settings, as far as they say where its registry is and how to reach it. Its user's secrets stay out. */
function npmSettings(cwd) {
  const keys = ['registry', 'cafile', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'];
  const { stdout } = spawnSync('npm', ['config', 'get', ...keys], { cwd, encoding: 'utf8' });
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/=(.*)/s));
  return Object.fromEntries(pairs.filter(([, value]) => value && value !== 'null' && value !== 'undefined'));
}

/**
 * Put the files for a bare Debian's /etc into `etc`.
 * @param {string} sources its apt sources
 * @returns {string[]} NAME=value for the environment of what runs in it
 */
export function writeMachineFiles(etc, sources, root) {
  const write = (path, text) => {
    mkdirSync(dirname(join(etc, path)), { recursive: true });
    writeFileSync(join(etc, path), text);
  };
  write('apt/sources.list.d/debian.sources', sources);
  write('apt/apt.conf.d/99machine', aptConfiguration());
  for (const name of ['resolv.conf', 'hosts'])
    if (existsSync(`/etc/${name}`)) copyFileSync(`/etc/${name}`, join(etc, name));
  const { cafile, ...npm } = npmSettings(root);
  const certificates = cafile ?? process.env.NODE_EXTRA_CA_CERTS;
  const env = Object.fromEntries(
    PROXIES.map((name) => [name, process.env[name]]).filter(([, value]) => value),
  );
  if (certificates && existsSync(certificates)) {
    copyFileSync(certificates, join(etc, CERTIFICATES.slice('/etc/'.length)));
    Object.assign(env, { NODE_EXTRA_CA_CERTS: CERTIFICATES, npm_config_cafile: CERTIFICATES });
  }
  for (const [key, value] of Object.entries(npm)) env[`npm_config_${key.replaceAll('-', '_')}`] = value;
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}
