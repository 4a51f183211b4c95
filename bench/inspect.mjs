// What being watched costs: the time of one event of a machine, unwatched, watched by the page, and
// with Stately Inspector's package, whose messages go nowhere. A large context must cost nothing more.
import { createInspector } from '@statelyai/inspect';
import { MemoryLevel } from 'memory-level';
import { openCollection } from 'sluice';
import { assign, createActor, createMachine } from 'xstate';
import { projectedInspection } from '#sluice/inspect/stately-projection.js';
import { SystemObserver } from '#sluice/inspect/system-observer.js';

/** Events of a round; the first rounds, in which the code is compiled, are not counted. */
const EVENTS = 4000;
const WARM_ROUNDS = 5;
const ROUNDS = 5;
const LIMIT_US = 200;
const UPSERTS = 2000;

const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, vector: new Float32Array(64) }));
const machine = createMachine({
  context: { count: 0, rows },
  on: { Next: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
});

/**
 * Microseconds of an event: of the best round, because what disturbs a round only makes it longer.
 * `sent` resolves when everything has been handed on.
 */
async function measure(inspect, sent = async () => {}) {
  const actor = createActor(machine, inspect === undefined ? {} : { inspect }).start();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
    // Time of the processor: other programmes of the machine take none of that.
    const before = process.cpuUsage();
    for (let at = 0; at < EVENTS; at++) actor.send({ type: 'Next' });
    await sent();
    const { user, system } = process.cpuUsage(before);
    if (round >= WARM_ROUNDS) best = Math.min(best, (user + system) / EVENTS);
  }
  return best;
}

/** Bytes of the largest message but charts and definitions, which come once. */
let largest = 0;
const text = (message) => {
  const { length } = JSON.stringify(message);
  if (message.type !== 'chart' && message.type !== '@xstate.actor') {
    largest = Math.max(largest, length);
  }
};
const stately = createInspector({ send: text });
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

const unwatched = await measure(undefined);
const costs = {
  unwatched,
  'watched, by an observer that does nothing': await measure(() => {}),
  'the page': await measure(new SystemObserver({ now: () => Date.now() }, text).inspect),
  'Stately Inspector': await measure(projectedInspection(stately), turn),
};
for (const [what, us] of Object.entries(costs)) {
  const ratio = `${(us / unwatched).toFixed(1)}×`.padStart(7);
  process.stdout.write(`${what.padEnd(44)} ${us.toFixed(1).padStart(6)} µs an event ${ratio}\n`);
}

/** Events between the actors of a collection, for each upsert; `together`: none is awaited before the next. */
async function eventsAnUpsert(together) {
  let events = 0;
  const wal = new MemoryLevel({ valueEncoding: 'view' });
  const segments = new MemoryLevel({ valueEncoding: 'view' });
  const inspect = ({ type }) => {
    if (type === '@xstate.event') events += 1;
  };
  const collection = await openCollection({ wal, segments }, { dimensions: 2, inspect });
  events = 0;
  const upserts = [];
  for (let id = 0; id < UPSERTS; id++) {
    const upsert = collection.upsert([{ id, vector: [1, id] }]);
    if (together) upserts.push(upsert);
    else await upsert;
  }
  await Promise.all(upserts);
  const each = events / UPSERTS;
  await collection.close();
  return each;
}

const [alone, together] = [await eventsAnUpsert(false), await eventsAnUpsert(true)];
process.stdout.write(
  `events an upsert: ${alone.toFixed(2)} one by one, ${together.toFixed(2)} together\n`,
);
process.stdout.write(`largest message: ${largest} bytes\n`);
if (Math.max(...Object.values(costs)) > LIMIT_US || largest > 2048) process.exitCode = 1;
