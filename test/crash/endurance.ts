import { checkStoreOfAny, type Expectation } from './check.js';
import type { Endured, LongScript } from './faults.js';
import { wrongNumbers } from './marks.js';
import { Model } from './model.js';
import { isLogged, type Step } from './steps.js';
import type { Target } from './target.js';

/** The time from one opening to the next: what was asked meanwhile, and what was answered. */
interface Era {
  steps: Step[];
  /** The longest prefix whose last step was answered. */
  answered: number;
  /** The storage has failed a step. */
  failed: boolean;
}

/** Codes that a failing storage may lead to; any other, or none, is a problem. */
const EXPECTED = [
  'SLUICE_ABORTED',
  'SLUICE_BROKEN',
  'SLUICE_CRASHED',
  'SLUICE_DISK_FULL',
  'SLUICE_INDEX_LOST',
  'SLUICE_IO',
  'SLUICE_NOT_ENOUGH_SPACE',
  'SLUICE_STOPPED',
];
const DECLINES = ['SLUICE_POINT_NOT_FOUND', 'SLUICE_DECLINED'];
/** What a step fails with when the store is, or gets, broken. */
const BREAKING = ['SLUICE_BROKEN', 'SLUICE_DISK_FULL', 'SLUICE_IO'];

/** How it is told, for good, that LevelDB could not read a log and has gone on without it. */
const TOLD = /SLUICE_DAMAGED.*LevelDB has lost/;

type Mark = Partial<Record<string, unknown>> & {
  status?: { color: string; standing: string[] };
};

/** What a process has lived through, from its marks. */
class Chronicle {
  readonly problems: string[] = [];
  readonly eras: Era[] = [{ steps: [], answered: 0, failed: false }];
  ended = false;
  readonly #steps: readonly Step[];
  readonly #opNums = new Map<number, number>();
  #begin = 0;

  constructor(steps: readonly Step[], lines: readonly string[]) {
    this.#steps = steps;
    for (const line of lines) this.#read(JSON.parse(line));
    this.problems.push(...wrongNumbers(this.#opNums, 0));
  }

  #read(mark: Mark): void {
    const era = this.eras.at(-1) as Era;
    const { code } = mark;
    if (mark.opened === true || mark.reopened === true) {
      this.#begin += era.steps.length;
      this.eras.push({ steps: [], answered: 0, failed: false });
    }
    if (typeof mark.issued === 'number') era.steps.push(this.#steps[mark.issued] as Step);
    const isDecline = DECLINES.includes(String(code));
    const answered = mark.acknowledged ?? (isDecline ? mark.failed : undefined);
    if (typeof answered === 'number' && isLogged(this.#steps[answered] as Step)) {
      era.answered = Math.max(era.answered, answered + 1 - this.#begin);
    }
    // An optimization that failed may have succeeded since.
    const failed = this.#steps[Number(mark.failed)];
    if (failed && failed.kind !== 'optimize' && BREAKING.includes(String(code))) era.failed = true;
    if (typeof mark.opNum === 'number') this.#opNums.set(Number(answered), mark.opNum);
    const text = JSON.stringify(mark);
    const isExpected = EXPECTED.includes(String(code)) || isDecline || TOLD.test(text);
    if (code !== undefined && !isExpected) this.problems.push(`met ${text}`);
    if (mark.unhandled !== undefined || mark.troubled === 'read') {
      this.problems.push(`had ${text}`);
    }
    if (mark.status !== undefined && era.failed) {
      const { color, standing } = mark.status;
      if (color !== 'red' || standing.length === 0) {
        this.problems.push(`failed, but its status says ${JSON.stringify(mark.status)}`);
      }
    }
    this.ended ||= mark.ended === true;
  }
}

/** Every state that the eras before the last can have left, and what the last may have added. */
function possibilities(eras: readonly Era[]): Expectation[] {
  let starts = [new Model()];
  for (const { steps, answered } of eras.slice(0, -1))
    starts = statesAfter(starts, steps, answered);
  const { steps, answered } = eras.at(-1) as Era;
  return starts.map((start) => ({ start, steps, promised: answered }));
}

function statesAfter(starts: readonly Model[], steps: readonly Step[], promised: number): Model[] {
  return starts.flatMap((start) => {
    const model = new Model(start);
    const states = promised === 0 ? [new Model(model)] : [];
    for (const [index, step] of steps.entries()) {
      model.apply(step);
      if (index + 1 >= promised) states.push(new Model(model));
    }
    return states;
  });
}

/** What came of a run that had a fault. */
export interface Outcome {
  /** What is wrong with the run, or with the store that it left. */
  problems: string[];
  /** The store is damaged beyond what could be helped, and says so. */
  told: boolean;
}

/** Checks a run that had a fault, and the store that it left. */
export async function outcomeOf(
  target: Target,
  path: string,
  script: LongScript,
  { lines, end }: Endured,
): Promise<Outcome> {
  const steps = script.parts.flatMap(({ rounds }) => rounds.flat());
  const { eras, problems, ended } = new Chronicle(steps, lines);
  if (end === 'by itself' ? !ended : end !== 'killed by the fault') problems.push(`ended ${end}`);
  const { options = {} } = script.parts[0] ?? {};
  const found = await checkStoreOfAny(target, path, options, possibilities(eras));
  const told = TOLD.test(found.problem ?? '');
  if (found.problem !== undefined && !told) problems.push(`the store ${found.problem}`);
  return { problems, told };
}
