/** A setup failure that one sentence explains; `status` is the exit status to end with (2: environment). */
export class SetupError extends Error {
  /** @param {string} message @param {{ code?: string, tail?: string[] }} [details] */
  constructor(message, { code = 'SETUP', tail = [] } = {}) {
    super(message);
    this.name = 'SetupError';
    this.code = code;
    this.tail = tail;
    this.status = 2;
  }
}

/** Print a failure as one sentence and the tail of its log; a stack only for what is not foreseen and asked for. */
export function report(error, stream = process.stderr) {
  stream.write(`kvm-memtype setup: ${error.message}\n`);
  for (const line of error.tail ?? []) stream.write(`    ${line}\n`);
  if (!(error instanceof SetupError) && process.env.KVM_MEMTYPE_DEBUG === '1')
    stream.write(`${error.stack}\n`);
}
