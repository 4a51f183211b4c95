import { systemClock } from '../../services/clock.js';
import { loadChecksum } from '../../services/level/frame.js';
import { Counters } from './checkers/counters.js';
import { Lifecycle } from './lifecycle.js';
import { settleDown } from './liveness.js';
import { Session } from './session.js';
import { Workload } from './workload.js';
import { World, type WorldOptions } from './world.js';

/** Events between two looks at everything that must hold at every moment. */
const EVENTS_A_LOOK = 16;
/** Events between two turns of the event loop, in which rejections are told that nobody handles. */
const EVENTS_A_TURN = 64;
/** Events after which a run counts as endless, for each operation. */
const EVENTS_MAX = 2000;

/** What to run. */
export interface SimulationOptions extends WorldOptions {
  /** Updates to submit. @default 500 */
  operations?: number | undefined;
}

/** What a run has come to. */
export interface SimulationResult {
  seed: number;
  operations: number;
  /** Updates that were submitted. */
  issued: number;
  /** The same for every run of this seed with these options. */
  hash: string;
  /** Milliseconds of virtual time. */
  virtualMs: number;
  /** How often each class of faults has struck. */
  faults: ReadonlyMap<string, number>;
  /** How often each kind of thing has happened. */
  traffic: ReadonlyMap<string, number>;
  /** The rule that was broken, and the last lines of the trace. */
  failure: { rule: string; message: string; lines: readonly string[] } | undefined;
}

/**
 * Runs one seed: random work with faults, then without; what the collection shows is compared with
 * a model all the time. Nothing but the seed and the options decides what happens. One run at a
 * time. Never rejects.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, operations = 500 } = options;
  // Loaded before, because loading takes real time.
  await loadChecksum();
  const world = new World(options);
  const session = new Session(world);
  const workload = new Workload(world, session, world.random.stream('workload'));
  await pump(world, session, work(world, session, workload, operations), operations);
  const { violation, trace } = world;
  const failure = violation && {
    rule: violation.rule,
    message: violation.message,
    lines: trace.lines,
  };
  const { hits } = world.chance;
  const result = { seed, operations, issued: workload.issued, hash: trace.hash };
  const traffic = world.traffic.counts;
  return { ...result, virtualMs: world.time.now, faults: hits, traffic, failure };
}

/** First everything goes wrong that can; then nothing does, and everything must come right. */
async function work(
  world: World,
  session: Session,
  workload: Workload,
  operations: number,
): Promise<void> {
  const lifecycle = new Lifecycle(world, session);
  const random = world.random.stream('course');
  const { chance, settings } = world;
  await lifecycle.up();
  while (workload.issued < operations && world.violation === undefined) {
    const isInterrupted = await world.rest(random.next() * 2 * settings.pauseMs);
    if (random.chance(0.004)) await world.sleep(random.pick([100, 500, 6000]));
    const { process } = world;
    if (process?.collection === undefined) {
      session.end();
      await lifecycle.up();
      continue;
    }
    const { collection } = process;
    const isBroken = collection.handler.state === 'broken';
    if (isBroken && random.chance(isInterrupted ? 0.9 : 0.2)) {
      if (random.chance(0.7)) await lifecycle.reopen(collection);
      else await lifecycle.down();
    } else if (random.chance(chanceToClose(isInterrupted, chance.isTroubled))) {
      // With something still on its way into the log.
      if (isInterrupted) workload.update(collection);
      await lifecycle.down();
    } else if (chance.strikes('kill', 500)) {
      process.crash(false);
    } else if (chance.strikes('powerCut', 500)) {
      process.crash(true);
    } else {
      await workload.step(collection, isInterrupted);
    }
  }
  if (world.violation === undefined) await settleDown(world, session, lifecycle);
}

function chanceToClose(isInterrupted: boolean, isTroubled: boolean): number {
  if (!isInterrupted) return 0.002;
  return isTroubled ? 0.3 : 0.05;
}

/** Lets time go on, event by event, until the work has ended or a rule is broken. */
async function pump(
  world: World,
  session: Session,
  work: Promise<void>,
  operations: number,
): Promise<void> {
  const counters = new Counters(world, session);
  let isDone = false;
  work.then(
    () => {
      isDone = true;
    },
    (error) => {
      isDone = true;
      world.violated('the simulation itself is sound', String(error?.stack ?? error));
    },
  );
  const { time, violated } = world;
  const onUnhandled = (reason: unknown) => violated('no rejection is left alone', String(reason));
  globalThis.process?.on('unhandledRejection', onUnhandled);
  for (;;) {
    await (time.steps % EVENTS_A_TURN === 0 ? systemClock.yield() : everythingSettled());
    if (isDone || world.violation !== undefined) break;
    if (time.steps % EVENTS_A_LOOK === 0) look(world, counters);
    world.mayInterrupt();
    if (!time.step()) {
      session.settled('nothing will ever happen');
      violated('there is always something to come', 'nothing will ever happen');
    }
    if (time.steps > (operations + 100) * EVENTS_MAX) {
      violated('a run ends', `${time.steps} events`);
    }
  }
  globalThis.process?.off('unhandledRejection', onUnhandled);
  world.process?.crash(false);
}

/** Resolves when all promises have been followed up that are settled now: a turn of the event loop costs more. */
function everythingSettled(): Promise<void> {
  return new Promise((resolve) => globalThis.process.nextTick(resolve));
}

function look(world: World, counters: Counters): void {
  try {
    counters.look();
  } catch (error) {
    world.violated('what the collection says can be read', String(error));
  }
}
