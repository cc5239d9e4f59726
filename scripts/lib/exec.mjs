import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Run Node on `args` in the foreground and answer its exit status (128 + n if signal n ended it).
 * `node` names another binary than our own. SIGINT reaches the child through the terminal's process group: leave the ending to it.
 */
export function runNode(args, { node = process.execPath, ...options } = {}) {
  const ignore = () => {};
  process.on('SIGINT', ignore);
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { stdio: 'inherit', ...options });
    const pass = (signal) => child.kill(signal);
    process.on('SIGTERM', pass);
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', pass);
      resolve(signal ? 128 + constants.signals[signal] : status);
    });
  });
}
