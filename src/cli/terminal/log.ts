import { writeSync } from 'node:fs';
import { type DestinationStream, type Logger, pino } from 'pino';
import { safeJson, safeLine } from '../../text/safe.js';
import { clearProgressLine } from './progress.js';

/** How log lines look: text for people, or pino's own JSON. */
export type LogFormat = 'text' | 'json';
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

const STDERR = 2;
/** Errors of a stderr that takes no more: closed, stalled, full. */
const UNWRITABLE = new Set(['EPIPE', 'EAGAIN', 'EBADF', 'ENOSPC', 'EDQUOT', 'EIO']);
/** Left out of a line of text: they say nothing to a person at a terminal. */
const BORING = new Set(['level', 'time', 'pid', 'hostname', 'msg']);

/** One of pino's lines as text: `kvm-memtype: warning: message (key=value, ...)`. */
export function formatLogLine(json: string): string {
  const record = JSON.parse(json) as Record<string, unknown>;
  const level = record.level as string;
  const fields = Object.entries(record).filter(([key]) => !BORING.has(key));
  const after = fields.map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const before = level === 'info' ? '' : `${level === 'warn' ? 'warning' : level}: `;
  const text = `${before}${String(record.msg ?? '')}${after.length > 0 ? ` (${after.join(', ')})` : ''}`;
  return `kvm-memtype: ${safeLine(text)}\n`;
}

/** One of pino's lines as it is, but for what a terminal would act on. */
export const jsonLogLine = safeJson;

/** Write at once: a log line must be out before a crash that it may explain. */
function stderrStream(format: LogFormat): DestinationStream {
  return {
    write(json: string) {
      clearProgressLine();
      try {
        writeSync(STDERR, format === 'json' ? jsonLogLine(json) : formatLogLine(json));
      } catch (error) {
        // Let nothing depend on whether someone reads the log.
        if (!UNWRITABLE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    },
  };
}

/** Make a logger to stderr. */
function createLogger(level: LogLevel, format: LogFormat): Logger {
  return pino(
    {
      level,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err },
    },
    stderrStream(format),
  );
}

let current: Logger = createLogger('info', 'text');

/** Set level and looks for everything logged from now on; the command line does so once. */
export function configureLog(level: LogLevel, format: LogFormat): void {
  current = createLogger(level, format);
}

/** The program's logger. Results never go through it: they go to stdout. */
export const log = (): Logger => current;
