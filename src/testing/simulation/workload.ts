import type { Collection } from '../../collection.js';
import type { ClockTag, UpdateOptions } from '../../types.js';
import { expectClocks } from './checkers/clocks.js';
import { expectContents } from './checkers/contents.js';
import { OperationMaker, perform } from './operations.js';
import { filterOf, PointModel } from './point-model.js';
import type { Random } from './random.js';
import type { Session } from './session.js';
import { drawOptimizers } from './settings.js';
import type { World } from './world.js';

/** Things that are done besides updates, with how often in a thousand. */
const ACTIONS = {
  read: 40,
  search: 25,
  count: 15,
  get: 15,
  plunge: 20,
  flush: 20,
  trigger: 10,
  optimize: 6,
  configure: 8,
  hold: 8,
  release: 8,
  follow: 8,
  unfollow: 6,
  clocks: 20,
} as const;

type Action = keyof typeof ACTIONS;

/** What is done at an odd moment, if not an update. */
const HASTY: readonly Action[] = ['trigger', 'flush', 'configure', 'plunge', 'optimize'];

const ACTION_NAMES = Object.keys(ACTIONS) as Action[];

/** Does random things with an open collection. */
export class Workload {
  readonly #world: World;
  readonly #session: Session;
  readonly #random: Random;
  readonly #maker: OperationMaker;
  #configurations = 0;
  /** Updates that were submitted. */
  issued = 0;

  constructor(world: World, session: Session, random: Random) {
    this.#world = world;
    this.#session = session;
    this.#random = random;
    this.#maker = new OperationMaker(random.stream('operations'));
  }

  /** One update or, less often, something else; `isHasty`: more often something else. */
  async step(collection: Collection, isHasty: boolean): Promise<void> {
    if (isHasty && this.#random.chance(0.7)) {
      await this.#do(this.#random.pick(HASTY), collection);
      return;
    }
    let draw = this.#random.between(1, 1000);
    for (const action of ACTION_NAMES) {
      draw -= ACTIONS[action];
      if (draw <= 0) {
        await this.#do(action, collection);
        return;
      }
    }
    this.update(collection);
  }

  async #do(action: Action, collection: Collection): Promise<void> {
    this.#world.trace.note(action);
    await this.#actions[action](collection);
  }

  readonly #actions: Record<Action, (collection: Collection) => Promise<void> | void> = {
    read: (collection) => expectContents(this.#world, collection),
    search: (collection) => this.#search(collection),
    count: (collection) => this.#count(collection),
    get: (collection) => this.#get(collection),
    plunge: (collection) => this.#plunge(collection),
    flush: (collection) => {
      const { applied } = collection.telemetry().log;
      this.#session.watch('flush', collection.flush(), () => this.#world.oracle.safe(applied));
    },
    trigger: (collection) => collection.trigger(),
    optimize: (collection) => {
      const controller = new AbortController();
      this.#world.time.set(() => controller.abort(), this.#random.between(0, 20_000));
      this.#session.watch('optimize', collection.optimize({ signal: controller.signal }));
    },
    configure: (collection) => {
      this.#configurations += 1;
      this.#world.traffic.count('configured');
      const flushIntervalMs = this.#random.pick([100, 500, 3000]) + this.#configurations;
      const stored = this.#session.configuring(flushIntervalMs);
      const optimizers = drawOptimizers(this.#random);
      this.#session.watch(
        'configure',
        collection.configure({ optimizers, flushIntervalMs }),
        stored,
      );
    },
    hold: (collection) => {
      const { acked, last } = collection.info().wal;
      this.#session.hold(
        collection,
        this.#random.chance(0.2) ? 0 : this.#random.between(acked + 1, last + 2),
      );
    },
    release: () => this.#session.release(),
    follow: (collection) => {
      const { acked } = collection.info().wal;
      if (this.#session.readers < 3)
        this.#session.read(collection, this.#random.chance(0.5) ? undefined : acked + 1);
    },
    unfollow: () => this.#session.stopReading(),
    clocks: async (collection) => {
      if (!this.#world.settings.isTagged) return;
      const { past } = this.#session;
      const point = await expectClocks(this.#world, collection, past);
      // What an opening has decided since makes points of before worthless.
      if (this.#session.collection === collection && past === this.#session.past) {
        this.#session.past = past === undefined || this.#random.chance(0.2) ? point : past;
      }
    },
  };

  /** Submits one update. */
  update(collection: Collection): void {
    const { oracle, trace, time, traffic } = this.#world;
    const operation = this.#maker.next();
    const wait = this.#random.pick([true, true, false, false, false, 'optimized'] as const);
    const options: UpdateOptions = { wait };
    if (this.#random.chance(0.04)) options.timeoutMs = this.#random.pick([1, 20, 400]);
    if (this.#random.chance(0.04)) {
      const controller = new AbortController();
      options.signal = controller.signal;
      time.set(() => controller.abort(), this.#random.pick([0, 1, 50]));
    }
    this.issued += 1;
    const clockTag = this.#nextTag();
    if (clockTag !== undefined) options.clockTag = clockTag;
    const issued = oracle.issue(operation, wait, clockTag);
    if (clockTag !== undefined && clockTag.tick < oracle.tickOf(clockTag.clockId)) {
      oracle.expectRejection(issued);
    }
    const name = `${this.issued}: ${operation.kind}`;
    trace.note(`${name} wait ${wait}`);
    perform(collection, operation, options).then(
      (result) => {
        trace.note(`${name}: ${result.status} ${result.opNum}`);
        traffic.count('answered');
        oracle.completed(issued, result);
      },
      (error) => {
        trace.note(`${name}: ${error?.code}`);
        traffic.count('refused');
        oracle.failed(issued, error);
      },
    );
  }

  /** The next tick of a clock; rarely, one that has been overtaken. */
  #nextTag(): ClockTag | undefined {
    if (!this.#world.settings.isTagged) return undefined;
    const clockId = this.#random.between(1, 3);
    const newest = this.#world.oracle.tickOf(clockId);
    const isOvertaken = newest > 1 && this.#random.chance(0.02);
    const tick = isOvertaken ? this.#random.between(1, newest - 1) : this.issued;
    return { peerId: 1, clockId, tick };
  }

  async #search(collection: Collection): Promise<void> {
    const { oracle, settings, violated } = this.#world;
    oracle.advance(collection.info().wal.applied);
    const query = this.#maker.vector();
    const filter = this.#random.chance(0.5) ? this.#maker.filter() : undefined;
    const wanted = oracle.model.nearest(query, settings.distance, filter);
    const limit = this.#random.between(1, 60);
    const ending = await this.#world.ending(
      collection.search(query, {
        limit,
        exact: this.#random.chance(0.5),
        ef: 200,
        ...(filter === undefined ? {} : { filter: filterOf(filter) }),
      }),
    );
    if (ending.status === 'failed') violated('reads succeed', String(ending.error));
    if (ending.status !== 'done') return;
    const found = ending.value.map(({ id }) => id);
    if (found.join() === wanted.slice(0, limit).join()) return;
    violated('a search finds the nearest', `found ${found}, should be ${wanted.slice(0, limit)}`);
  }

  async #count(collection: Collection): Promise<void> {
    const { oracle, violated } = this.#world;
    oracle.advance(collection.info().wal.applied);
    const filter = this.#maker.filter();
    const wanted = oracle.model.select(filter).length;
    const ending = await this.#world.ending(collection.count({ filter: filterOf(filter) }));
    if (ending.status === 'failed') violated('reads succeed', String(ending.error));
    if (ending.status !== 'done' || ending.value === wanted) return;
    violated('filters count what passes', `${ending.value}, should be ${wanted}`);
  }

  async #get(collection: Collection): Promise<void> {
    const { oracle, violated } = this.#world;
    oracle.advance(collection.info().wal.applied);
    const model = new PointModel(oracle.model);
    const id = this.#random.between(1, 9);
    const ending = await this.#world.ending(collection.get([id], { withVector: true }));
    if (ending.status === 'failed') violated('reads succeed', String(ending.error));
    if (ending.status !== 'done') return;
    const found = ending.value[0]?.vector;
    const wanted = model.points.get(id)?.vector;
    if (String(found) === String(wanted)) return;
    violated(
      'the collection holds what was applied',
      `point ${id} is ${found}, should be ${wanted}`,
    );
  }

  #plunge(collection: Collection): void {
    const { oracle, violated } = this.#world;
    const before = oracle.issued.length;
    this.#session.watch('plunge', collection.plunge(), () => {
      const { applied } = collection.telemetry().log;
      oracle.advance(applied);
      const late = oracle.issued
        .slice(0, before)
        .find(({ opNum, fate }) => opNum === undefined && fate === 'written');
      if (late === undefined) return;
      violated('a plunger is answered in its place', `${late.operation.kind} was not applied`);
    });
  }
}
