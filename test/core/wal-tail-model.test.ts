// The queue in front of the log against a list: room, order, group commit, giving up, answers.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryWal } from '#sluice/services/memory-wal.js';
import { WalTail } from '#sluice/services/wal-tail.js';
import { numberFromEnvironment } from '../support/random.js';
import { type Item, type Limits, QueueModel } from './support/queue-model.js';
import { SteppedClock, settle } from './support/stepped-clock.js';

const SEED = numberFromEnvironment('QUEUE_SEED', 1);
const RUNS = numberFromEnvironment('QUEUE_RUNS', 60);
const LIMITS: Limits = { entriesMax: 4, bytesMax: 60, walBytesMax: 100 };
/** As large as the largest operation; less than all that may be unapplied. */
const WINDOW_BYTES = 30;

/** The tail on a log whose appends wait until the test says how they end. */
class Queue {
  readonly tail: WalTail<number>;
  readonly answers = new Map<number, string>();
  readonly aborts = new Map<number, AbortController>();
  canFree = true;
  /** Ends the append that is running; undefined when none is. */
  endAppend: ((error?: Error) => void) | undefined;

  constructor() {
    const wal = new MemoryWal();
    void wal.open();
    const append = wal.append.bind(wal);
    wal.append = async (records) => {
      await new Promise<void>((resolve, reject) => {
        this.endAppend = (error) => {
          this.endAppend = undefined;
          if (error === undefined) resolve();
          else reject(error);
        };
      });
      return append(records);
    };
    const nothing = () => {};
    this.tail = new WalTail({
      wal,
      clock: new SteppedClock(),
      limits: { ...LIMITS, windowBytesMax: WINDOW_BYTES },
      hooks: {
        ...{ onWork: nothing, onAppended: nothing, onVisible: nothing },
        ...{ onAppendFailed: nothing, onApplied: nothing },
        canFreeWal: () => this.canFree,
      },
    });
    this.tail.open(0, { last: 0, bytes: 0 });
  }

  submit({ id, bytes, wait }: { id: number; bytes: number; wait: boolean }): void {
    const controller = new AbortController();
    this.aborts.set(id, controller);
    const { signal } = controller;
    const answer = (text: string) => {
      expect(this.answers.has(id), 'one answer').toBe(false);
      this.answers.set(id, text);
    };
    const operation = id % 2 === 0 ? id : undefined;
    this.tail.submit(new Uint8Array(bytes).fill(id), { wait, signal }, operation).then(
      ({ status, opNum }) => answer(`${status} ${opNum}`),
      ({ code, message }) => answer(code ?? message),
    );
  }
}

type Step = fc.AsyncCommand<QueueModel, Queue, false>;

async function expectSame(model: QueueModel, { tail, answers }: Queue): Promise<void> {
  await settle(2);
  expect(new Map(answers)).toEqual(model.answers);
  const { windowBytes, windowBytesPeak, ...usage } = tail.usage;
  expect(usage).toEqual(model.usage);
  expect(Math.max(windowBytes, windowBytesPeak)).toBeLessThanOrEqual(WINDOW_BYTES);
  expect({ applied: tail.applied, end: tail.end, synced: tail.syncedUpTo }).toEqual(model.numbers);
  expect(tail.next()).toEqual(model.next());
  for (const { opNum = 0, id, bytes } of model.unapplied) {
    const windowed = tail.windowed(opNum);
    // Beyond the window a record is read back; what is there must be its own.
    if (windowed === undefined) continue;
    if ('operation' in windowed) expect(windowed.operation).toBe(id);
    else expect([...windowed.data]).toEqual(new Array(bytes).fill(id % 256));
  }
}

function step(
  name: string,
  check: (model: QueueModel) => boolean,
  act: (model: QueueModel, queue: Queue) => void,
): Step {
  return {
    check,
    toString: () => name,
    async run(model, queue) {
      act(model, queue);
      await expectSame(model, queue);
    },
  };
}

const always = () => true;

const submit = ([bytes, wait]: [number, boolean]) =>
  step(`submit(${bytes}, ${wait})`, always, (model, queue) => {
    queue.submit(model.submit(bytes, wait));
  });

const signal = () =>
  step('signal', always, (model, queue) => {
    queue.tail.signal(model.signal());
  });

const abort = (pick: number) =>
  step(
    `abort(${pick})`,
    (model) => model.unanswered.length > 0,
    (model, queue) => {
      const { id } = model.unanswered[pick % model.unanswered.length] as Item;
      model.abort(id);
      queue.aborts.get(id)?.abort();
    },
  );

const write = (isGood: boolean) =>
  step(
    isGood ? 'write' : 'fail',
    (model) => model.isWriting,
    (model, queue) => {
      model.endAppend(isGood);
      queue.endAppend?.(isGood ? undefined : new Error('busy'));
    },
  );

const take = (isDeclined: boolean) =>
  step(
    `take(${isDeclined})`,
    (model) => model.next() !== undefined,
    (model, { tail }) => {
      const opNum = model.take(isDeclined);
      if (opNum === undefined) tail.takeMarker();
      else tail.settle(opNum, isDeclined ? { declined: new Error('declined') } : { affected: 1 });
    },
  );

const forget = (count: number) =>
  step(`forget(${count})`, always, (model, { tail }) => {
    tail.acknowledged(model.forget(count));
  });

const canFree = (isPossible: boolean) =>
  step(`canFree(${isPossible})`, always, (model, queue) => {
    queue.canFree = isPossible;
    model.setCanFree(isPossible);
    queue.tail.recheck();
  });

const steps = fc.commands(
  [
    fc.tuple(fc.integer({ min: 1, max: WINDOW_BYTES }), fc.boolean()).map(submit),
    fc.tuple(fc.integer({ min: 1, max: 10 }), fc.boolean()).map(submit),
    fc.constant(null).map(signal),
    fc.nat(20).map(abort),
    fc.constant(true).map(write),
    fc.boolean().map(write),
    fc.boolean().map(take),
    fc.nat(6).map(forget),
    fc.boolean().map(canFree),
  ],
  { maxCommands: 60, size: 'max' },
);

test('the queue does what a list with limits does, and in the end everyone has been answered', async () => {
  const seen = { refused: 0, waited: 0, withdrawn: 0 };
  await fc.assert(
    fc.asyncProperty(steps, async (commands) => {
      const model = new QueueModel(LIMITS);
      const queue = new Queue();
      await fc.asyncModelRun(() => ({ model, real: queue }), commands);
      queue.tail.close(new Error('closing') as never);
      model.close('closing');
      while (model.isWriting || model.next() !== undefined) {
        const end = model.isWriting ? write(true) : take(false);
        await end.run(model, queue);
      }
      expect(model.unanswered).toEqual([]);
      await expectSame(model, queue);
      expect(queue.tail.usage).toMatchObject({ entries: 0, bytes: 0, waiting: 0 });
      const texts = [...queue.answers.values()];
      seen.refused += texts.includes('SLUICE_WAL_FULL') ? 1 : 0;
      seen.waited += texts.some((text) => text.startsWith('waitTimeout')) ? 1 : 0;
      seen.withdrawn += texts.includes('SLUICE_ABORTED') ? 1 : 0;
    }),
    { seed: SEED, numRuns: RUNS },
  );
  // Otherwise the runs have met nothing of note.
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(0);
});

test('operations are kept beside records as far as the window goes, and not behind it', async () => {
  const queue = new Queue();
  const submit = (id: number) => queue.submit({ id, bytes: 10, wait: true });
  submit(2);
  await settle(2);
  for (const id of [4, 6, 8]) submit(id);
  queue.endAppend?.();
  await settle(2);
  queue.tail.settle(1, { affected: 1 });
  queue.endAppend?.();
  await settle(2);
  expect([2, 3].map((opNum) => queue.tail.windowed(opNum))).toEqual([
    { operation: 4 },
    { operation: 6 },
  ]);
  // There is room for its record now; its operation would have waited together with three others.
  expect(queue.tail.windowed(4)).toEqual({ data: new Uint8Array(10).fill(8) });
});
