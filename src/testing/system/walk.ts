import { SluiceError } from '../../errors.js';
import type { SegmentInfo } from '../../services/ports.js';
import { Rules } from './rules/all.js';
import type { Violation } from './rules/rule.js';
import type { Step } from './steps.js';
import { SLOTS_AT_FIRST, System } from './system.js';
import type { SystemStore } from './system-store.js';
import { Walker } from './walker.js';

/** How a walk goes. */
export interface WalkOptions {
  /** The same seed on an empty store: the same walk. */
  seed: number;
  /** How many steps, or those to be gone again. */
  steps: number | readonly Step[];
  /** What happened behind everyone's back since it was asked last. @default nothing */
  stray?: () => readonly string[];
  /** Names of transitions that other walks have taken: this one makes for the others. @default none */
  known?: ReadonlySet<string>;
}

/** What a walk came to. */
export interface WalkReport {
  seed: number;
  steps: readonly Step[];
  /** Empty, or what the first step came to that violated a rule. */
  violations: readonly Violation[];
  /** The names of the transitions of the charts that were taken. */
  taken: ReadonlySet<string>;
  /** How often each rule had something to say. */
  checks: ReadonlyMap<string, number>;
  /** Different steps in different situations. */
  situations: number;
  /** The last lines of the journal. */
  journal: readonly string[];
}

/** Timers that may have to fire until a system that nobody disturbs any more is at rest. */
const TIMERS_TO_REST = 400;
const LINES = 30;

/**
 * Leads the core with all its workers on a store through many steps, and checks all rules after each.
 * At the end nothing is held or failed any more: everyone must be answered, everything must be
 * applied, optimized and committed, and stop.
 */
export async function walk<Op, Info extends SegmentInfo>(
  store: SystemStore<Op, Info>,
  { seed, steps, stray = () => [], known = new Set() }: WalkOptions,
): Promise<WalkReport> {
  const walker = new Walker(seed);
  const healing = { on: false };
  const system = new System(store, (call) => (healing.on ? 'auto' : walker.plan(call)), known);
  const rules = new Rules(store, SLOTS_AT_FIRST);
  system.journal.listen((event) => rules.hear(event));
  const gone: Step[] = [];
  const isGood = () => {
    for (const text of stray()) system.journal.record({ type: 'stray', text });
    system.look((watched) => rules.look(watched));
    return rules.violations.length === 0;
  };
  const report = (extra: readonly Violation[] = []): WalkReport => ({
    seed,
    steps: gone,
    violations: [...rules.violations, ...extra],
    taken: system.taken.names,
    checks: new Map(rules.all.map(({ name, checks }) => [name, checks])),
    situations: walker.situations,
    journal: system.journal.tail(LINES),
  });
  await system.begin();
  await system.settle();
  const count = typeof steps === 'number' ? steps : steps.length;
  for (let at = 0; at < count; at += 1) {
    const step = typeof steps === 'number' ? walker.next(system) : steps[at];
    if (step === undefined) break;
    gone.push(step);
    system.journal.note(`step ${at + 1}: ${JSON.stringify(step)}`);
    await system.perform(step);
    if (!isGood()) return report();
  }
  healing.on = true;
  if (system.state === 'stopped') await system.begin();
  const unrest = await rest(system, rules, isGood);
  if (unrest !== undefined || rules.violations.length > 0) {
    return report(unrest === undefined ? [] : [{ rule: 'everything comes to rest', ...unrest }]);
  }
  system.callers.stop();
  await untilStopped(system);
  isGood();
  const isStopped = system.state === 'stopped';
  return report(
    isStopped ? [] : [{ rule: 'everything comes to rest', problem: 'it does not stop' }],
  );
}

/** Heals the system and lets time pass until it is at rest; says what is not, if it isn't. */
async function rest<Op, Info extends SegmentInfo>(
  system: System<Op, Info>,
  rules: Rules<Op>,
  isGood: () => boolean,
): Promise<{ problem: string } | undefined> {
  system.journal.note('nothing is held or failed any more');
  let [configured, flushed, written] = [false, false, false];
  let unrest = '';
  for (let fired = 0; fired < TIMERS_TO_REST; fired += 1) {
    await system.heal();
    if (!isGood()) return undefined;
    if (system.state === 'stopped') {
      await system.begin();
      await system.settle();
    }
    if (!configured && system.state === 'running') {
      configured = true;
      system.callers.reconfigure({ maxOptimizationThreads: SLOTS_AT_FIRST });
      system.callers.trigger();
      await system.settle();
    }
    unrest = unrestOf(system, rules);
    if (!written && isOnlyLogToWrite(system, rules)) {
      written = true;
      await system.perform({ step: 'submit', wait: true, patience: 'endless', mark: 'rest' });
      await system.settle();
      unrest = unrestOf(system, rules);
    }
    if (unrest === '' && flushed) return undefined;
    if (unrest === '') {
      // Whatever was kept is not kept any more: one more round must let the log forget it.
      flushed = true;
      system.callers.flush();
      await system.settle();
    }
    system.clock.fireNext();
    await system.settle();
  }
  return { problem: unrest };
}

function unrestOf<Op, Info extends SegmentInfo>(system: System<Op, Info>, rules: Rules<Op>) {
  const busy = workOf(system, rules);
  if (busy !== '') return busy;
  const { color, reasons } = system.callers.handler.status();
  return color === 'green' ? '' : `the status is ${color}: ${JSON.stringify(reasons)}`;
}

/** What is still to be done, whatever the status says. */
function workOf<Op, Info extends SegmentInfo>(system: System<Op, Info>, rules: Rules<Op>) {
  const { state } = system;
  const { requests, runs, last, applied } = rules.facts;
  const waiting = [...requests.values()].map(({ request, kind }) => `${request} (${kind})`);
  if (state !== 'running') return `the state is ${state}`;
  if (waiting.length > 0) return `these wait for an answer: ${waiting.join(', ')}`;
  if (runs.size > 0) return `${runs.size} optimizations are running`;
  return applied === last ? '' : `${applied} of ${last} operations are applied`;
}

/**
 * A log whose last append has failed counts as out of order until another one goes well. Only when
 * nothing else is left may somebody write: it would also wake a worker that has missed its turn.
 */
function isOnlyLogToWrite<Op, Info extends SegmentInfo>(
  system: System<Op, Info>,
  rules: Rules<Op>,
): boolean {
  const { reasons } = system.callers.handler.status();
  const isOfLog = reasons.every((one) => one.reason === 'error' && one.what === 'wal');
  return workOf(system, rules) === '' && reasons.length > 0 && isOfLog;
}

async function untilStopped<Op, Info extends SegmentInfo>(system: System<Op, Info>): Promise<void> {
  await system.settle();
  for (let fired = 0; fired < TIMERS_TO_REST && system.state !== 'stopped'; fired += 1) {
    system.clock.fireNext();
    await system.settle();
  }
}

/** Throws what a walk has found, with everything that is needed to go it again. */
export function assertGood({ seed, steps, violations, journal }: WalkReport): void {
  if (violations.length === 0) return;
  const found = violations.map(({ rule, problem }) => `${rule}: ${problem}`);
  throw new SluiceError(
    'SLUICE_FINDINGS',
    [
      `seed ${seed}, step ${steps.length}:`,
      ...found,
      ...journal.map((line) => `  ${line}`),
      `replay: ${JSON.stringify({ seed, steps })}`,
    ].join('\n'),
  );
}
