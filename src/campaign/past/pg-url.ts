/** Modes that `pg` takes for `verify-full`, with a warning for whoever wrote the program. */
const ALIASES = ['prefer', 'require', 'verify-ca'];

/** The URL of a PostgreSQL as `pg` is to have it: with TLS, the server proves that it is the host of the URL. */
export function pgUrl(text: string): string {
  const url = new URL(text);
  if (url.searchParams.has('uselibpqcompat')) return text;
  if (!ALIASES.includes(url.searchParams.get('sslmode') ?? '')) return text;
  url.searchParams.set('sslmode', 'verify-full');
  return url.href;
}
