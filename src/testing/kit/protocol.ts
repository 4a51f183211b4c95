import { errorText, SluiceError } from '../../errors.js';
import { transitionPairCoverage } from '../coverage.js';
import { type Dice, dice } from '../dice.js';
import type { Graph } from '../graph.js';
import { eventText } from '../names.js';
import type { Path } from '../path.js';
import { randomWalks } from '../walks.js';
import { Ledger, Violation } from './ledger.js';
import type { Capability, Runner, Supports } from './place.js';

/** A clause of a contract, and what must be supported to look at it. */
export interface Clause {
  text: string;
  needs?: readonly Capability[];
}

/** Which paths are taken through a protocol besides those that cover each pair of its calls. */
export interface Effort {
  /** The same seed, the same choices. @default 1 */
  seed?: number;
  /** Random walks of 60 calls. @default 10 */
  walks?: number;
}

/** Makes the calls of a path, and looks at what comes of them. */
export interface Player {
  take(event: { type: string }): Promise<void>;
  /** After the last call: what can only be looked at when all is quiet. */
  finish(): Promise<void>;
  /** Called in any case. */
  destroy(): Promise<void>;
}

/** A contract: its clauses, the order in which its calls may come, and who makes them. */
export interface Protocol<Name extends string> {
  title: string;
  clauses: Readonly<Record<Name, Clause>>;
  graph: Graph;
  start(ledger: Ledger<Name>, random: Dice): Promise<Player>;
}

/** Long paths, because many things have to happen before some can. */
const PATH_LENGTH = 40;
const WALK_LENGTH = 60;

/** Why a clause can't be looked at; undefined when it can. */
export function unsupported({ needs = [] }: Clause, supports: Supports): string | undefined {
  const missing = needs.filter((one) => !(supports[one] ?? one === 'permanence'));
  return missing.length === 0 ? undefined : missing.map((one) => `supports.${one}`).join(', ');
}

/**
 * Registers one test for each clause. All paths are taken once, by the test that runs first; each
 * test tells what was wrong with its clause, and fails when there was no occasion to look at it.
 */
export function registerProtocol<Name extends string>(
  { test, describe }: Runner,
  supports: Supports,
  protocol: Protocol<Name>,
  effort: Effort,
): void {
  let verdict: Promise<Verdict> | undefined;
  const skip = typeof test.skip === 'function' ? test.skip.bind(test) : test;
  const register = (prefix: string) => {
    for (const [name, clause] of Object.entries<Clause>(protocol.clauses)) {
      const missing = unsupported(clause, supports);
      if (missing !== undefined) {
        skip(`${prefix}${clause.text} (skipped: needs ${missing})`, async () => {});
        continue;
      }
      test(`${prefix}${clause.text}`, async () => {
        verdict ??= judge(protocol, effort);
        report(name, clause, await verdict);
      });
    }
  };
  if (describe === undefined) register(`${protocol.title}: `);
  else describe(protocol.title, () => register(''));
}

interface Verdict {
  ledger: Ledger<string>;
  paths: number;
  /** The first violation of each clause, told with its path. */
  broken: ReadonlyMap<string, { text: string; cause: unknown }>;
}

async function judge<Name extends string>(
  protocol: Protocol<Name>,
  { seed = 1, walks = 10 }: Effort,
): Promise<Verdict> {
  const ledger = new Ledger<Name>();
  const broken = new Map<string, { text: string; cause: unknown }>();
  const { graph } = protocol;
  const paths = transitionPairCoverage(graph, { lengthMax: PATH_LENGTH });
  if (walks > 0) paths.push(...randomWalks(graph, { seed, count: walks, length: WALK_LENGTH }));
  for (const [at, path] of paths.entries()) {
    const failure = await take(protocol, ledger, path, dice(seed * 1000 + at));
    if (failure === undefined || broken.has(failure.clause)) continue;
    const where = `path ${at + 1} of ${paths.length}, seed ${seed}`;
    const text = `${failure.message}\n  ${failure.where}\n  ${where}: ${calls(path)}`;
    broken.set(failure.clause, { text, cause: failure.cause });
  }
  if (process.env.KITDEBUG)
    console.error(
      protocol.title,
      paths.length,
      Object.keys(protocol.clauses)
        .map((c) => `${c} ${ledger.count(c)}`)
        .join(', '),
    );
  return { ledger, paths: paths.length, broken };
}

interface Failure {
  clause: string;
  message: string;
  where: string;
  cause: unknown;
}

const calls = ({ steps }: Path) => steps.map(({ event }) => eventText(event)).join(' → ');

/** Takes one path; undefined when every clause was kept. */
async function take<Name extends string>(
  protocol: Protocol<Name>,
  ledger: Ledger<Name>,
  path: Path,
  random: Dice,
): Promise<Failure | undefined> {
  let where = 'at the start';
  const player = await protocol.start(ledger, random);
  try {
    for (const [at, { event }] of path.steps.entries()) {
      where = `in step ${at + 1} of ${path.steps.length}, ${eventText(event)}`;
      await player.take(event);
    }
    where = 'when all had been closed';
    await player.finish();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { clause: error.clause, message: error.message, where, cause: error.cause };
  } finally {
    await player.destroy();
  }
  return undefined;
}

function report(name: string, { text }: Clause, { ledger, paths, broken }: Verdict): void {
  const found = broken.get(name);
  if (found !== undefined) {
    throw new SluiceError('SLUICE_MISMATCH', `not kept: ${text}\n  ${found.text}`, found);
  }
  if (ledger.count(name) > 0) return;
  const others = [...broken.values()].map((other) => `\n  ${errorText(other.text)}`).join('');
  throw new SluiceError(
    'SLUICE_MISMATCH',
    `there was no occasion to look at it on ${paths} paths: ${text}${others}`,
  );
}
