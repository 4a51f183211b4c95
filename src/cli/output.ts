import { type ErrorCode, errorText, SluiceError } from '../errors.js';
import { EXIT, type Host } from './host.js';

/** Wrong use of the command line: exit code 2. */
export class UsageError extends Error {}

/** Codes that mean the arguments were wrong, wherever that was noticed. */
const USAGE_CODES = new Set([
  'SLUICE_BAD_FILTER',
  'SLUICE_BAD_ID',
  'SLUICE_BAD_OPTION',
  'SLUICE_BAD_VECTOR',
]);

/**
 * Where a command's results go. With `--json`, stdout gets exactly one JSON document: the result
 * or `{ "error": { "code", "message" } }`. Otherwise stdout gets text. Errors and notes are single
 * lines on stderr either way.
 */
export class Output {
  readonly json: boolean;
  readonly #host: Host;
  #answered = false;

  constructor(host: Host, json: boolean) {
    this.#host = host;
    this.json = json;
  }

  /** The command's result: a JSON document, or the text made from it. Called once. */
  result(document: unknown, text: () => string): void {
    this.#answered = true;
    const answer = this.json ? JSON.stringify(document) : text();
    if (answer !== '') this.#host.stdout.write(`${answer}\n`);
  }

  /** Something worth knowing that is not the result. */
  note(text: string): void {
    this.#host.stderr.write(`sluice: ${oneLine(text)}\n`);
  }

  /** Tells of a failure and returns the exit code for it. */
  failure(error: unknown): number {
    const usage = isUsage(error);
    const { code, message } = describe(error, usage);
    this.note(`${message} (${code})`);
    this.#answerError(code, message);
    return usage ? EXIT.wrongUse : EXIT.failed;
  }

  /** Tells that a signal ended the command, and returns the exit code for it. */
  interrupted(): number {
    this.note('interrupted');
    this.#answerError('SLUICE_CANCELLED', 'interrupted');
    return EXIT.interrupted;
  }

  #answerError(code: ErrorCode, message: string): void {
    if (!this.json || this.#answered) return;
    this.#answered = true;
    this.#host.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  }
}

function isUsage(error: unknown): boolean {
  if (error instanceof UsageError) return true;
  return error instanceof SluiceError && USAGE_CODES.has(error.code);
}

function describe(error: unknown, usage: boolean): { code: ErrorCode; message: string } {
  const message = oneLine(errorText(error));
  if (error instanceof SluiceError) return { code: error.code, message };
  if (usage) return { code: 'SLUICE_BAD_OPTION', message };
  // Anything without a code is a defect of ours; say what kind of error it was.
  const name = error instanceof Error ? `${error.name}: ` : '';
  return { code: 'SLUICE_CRASHED', message: `unexpected ${name}${message}` };
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
