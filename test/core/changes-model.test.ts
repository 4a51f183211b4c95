// Whatever happens to a store, a reader gets the log: from any legal place, in order, each once.
import type { Wal } from 'sluice';
import { expect, test } from 'vitest';
import { Random } from '../support/random.js';
import { SharedLog } from './support/shared-log.js';
import { settle } from './support/stepped-clock.js';
import type { TinyDisk } from './support/tiny-segments.js';
import { openTiny, type TinyStore } from './support/tiny-store.js';

interface Shown {
  opNum: number;
  declined: boolean;
}

/** A reader that takes what there is, at its own pace, and remembers it. */
class Follower {
  readonly seen: Shown[] = [];
  ended: string | undefined;
  #left: number;

  constructor(store: TinyStore, from: number, pace: number) {
    this.#left = pace;
    const changes = store.handler.changes({ from, follow: true });
    this.#read(changes).catch((error: { code: string }) => {
      this.ended = error.code;
    });
  }

  /** Reads so many more. */
  goOn(count: number): void {
    this.#left += count;
  }

  async #read(changes: AsyncIterable<Shown>): Promise<void> {
    for await (const { opNum, declined } of changes) {
      this.seen.push({ opNum, declined });
      this.#left -= 1;
      while (this.#left <= 0) await settle(1);
    }
  }
}

class Round {
  readonly random: Random;
  readonly #shared: boolean;
  /** Every operation by its number, and whether it was declined. */
  readonly model = new Map<number, boolean>();
  #store: TinyStore | undefined;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.#shared = seed % 3 === 0;
  }

  get store(): TinyStore {
    if (this.#store === undefined) throw new Error('the round has begun');
    return this.#store;
  }

  async begin(left?: { disk: TinyDisk; log: Wal }): Promise<void> {
    const log = this.#shared ? { log: new SharedLog().client() } : {};
    this.#store = await openTiny({ ...(left ?? log), capacity: 3 });
  }

  async crash(): Promise<void> {
    await this.begin(this.store.crash());
  }

  async write(): Promise<void> {
    const { random, store } = this;
    const key = `key${random.between(0, 5)}`;
    // Doubling is declined when the key isn't there, in a replay as it was the first time.
    const operation = random.pick([
      { put: [key, 1] as [string, number] },
      { double: key },
      { delete: key },
    ]);
    const answer = store.handler.submit(operation);
    const declined = await store.run(answer.then(() => false).catch(() => true));
    this.model.set(store.handler.telemetry().log.last, declined);
  }

  expected(from: number): Shown[] {
    const all = [...this.model].map(([opNum, declined]) => ({ opNum, declined }));
    return all.filter(({ opNum }) => opNum >= from);
  }
}

test.each([1, 2, 3, 4, 5, 6])('the log as it was (seed %i)', async (seed) => {
  const round = new Round(seed);
  const { random } = round;
  await round.begin();
  let followers: { from: number; follower: Follower }[] = [];
  const check = () => {
    for (const { from, follower } of followers) {
      const expected = round.expected(from).slice(0, follower.seen.length);
      expect(follower.seen).toEqual(expected);
    }
  };
  for (let step = 0; step < 70; step += 1) {
    const { handler } = round.store;
    const dice = random.next();
    if (dice < 0.6) await round.write();
    else if (dice < 0.75) await round.store.run(handler.flush());
    else if (dice < 0.85) {
      const { acked, last } = handler.telemetry().log;
      const from = random.between(acked + 1, Math.max(last, acked + 1));
      followers.push({ from, follower: new Follower(round.store, from, random.between(1, 9)) });
    } else if (dice < 0.97) {
      for (const { follower } of followers) follower.goOn(random.between(0, 20));
      await settle(5);
    } else {
      check();
      followers = [];
      await round.crash();
    }
    check();
  }
  for (const { follower } of followers) follower.goOn(1000);
  await round.store.run(round.store.handler.flush());
  await settle(40);
  for (const { from, follower } of followers) expect(follower.seen).toEqual(round.expected(from));
  await round.store.run(round.store.handler.stop());
  await settle(5);
  for (const { follower } of followers) expect(follower.ended).toBe('SLUICE_STOPPED');
  expect(round.model.size).toBeGreaterThan(25);
  expect([...round.model.values()]).toContain(true);
});
