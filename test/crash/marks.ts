import { isLogged, type Step } from './steps.js';

/** What a process has reported of its script by some moment. */
export interface Report {
  opened: boolean;
  closed: boolean;
  /** Steps that were begun. */
  issued: number;
  /** Steps that must be there: the longest prefix whose last step was answered. */
  answered: number;
  /** The same, counting only steps that asked to survive a power cut. */
  answeredWaiting: number;
  /** Numbers that the store gave to steps. */
  opNums: Map<number, number>;
  /** Answers that no step should get. */
  failures: string[];
}

/** An answer that a step may well get: the store declined it and remembers that it did. */
const DECLINES = ['SLUICE_POINT_NOT_FOUND', 'SLUICE_DECLINED'];

const FAILURES_MAX = 3;

/** Reads the lines of a marks file of a process that carried out these steps. */
export function readMarks(lines: Iterable<string>, steps: readonly Step[]): Report {
  const report: Report = {
    opened: false,
    closed: false,
    issued: 0,
    answered: 0,
    answeredWaiting: 0,
    opNums: new Map(),
    failures: [],
  };
  for (const line of lines) {
    const mark: Partial<Record<string, unknown>> = JSON.parse(line);
    report.opened ||= mark.opened === true;
    report.closed ||= mark.closed === true;
    if (typeof mark.issued === 'number') report.issued = mark.issued + 1;
    const place = mark.acknowledged ?? mark.failed;
    const step = typeof place === 'number' ? steps[place] : undefined;
    if (typeof place !== 'number' || step === undefined) continue;
    if (isLogged(step)) report.answered = Math.max(report.answered, place + 1);
    // A refusal promises nothing about a power cut.
    if (isLogged(step) && step.wait !== false && mark.failed === undefined) {
      report.answeredWaiting = Math.max(report.answeredWaiting, place + 1);
    }
    if (typeof mark.opNum === 'number') report.opNums.set(place, mark.opNum);
    if (mark.failed !== undefined && !DECLINES.includes(String(mark.code))) {
      report.failures.push(`step ${place} failed with ${mark.code}: ${mark.message}`);
    }
  }
  // One failure often brings down everything after it.
  if (report.failures.length > FAILURES_MAX) report.failures.length = FAILURES_MAX;
  return report;
}

/** The whole lines of a text; a last line without its end was being written and doesn't count. */
export function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

/** Numbers must grow with the steps, and none given in an earlier run may come again. */
export function wrongNumbers(opNums: ReadonlyMap<number, number>, lastOpNum: number): string[] {
  const inOrder = [...opNums].sort(([left], [right]) => left - right);
  let last = lastOpNum;
  for (const [step, opNum] of inOrder) {
    if (opNum <= last) return [`step ${step} got number ${opNum}, but ${last} was given before`];
    last = opNum;
  }
  return [];
}
