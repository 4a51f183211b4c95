import type { Collection } from '../../collection.js';
import { errorText, SluiceError } from '../../errors.js';
import { expectContents } from './checkers/contents.js';
import { expectStopped } from './checkers/stopped.js';
import type { SimulatedProcess } from './process.js';
import type { Session } from './session.js';
import type { World } from './world.js';

/** Attempts to open before it counts as never. */
const ATTEMPTS_MAX = 200;

/** Attempts after which nothing strikes any more: some seeds have faults enough to stop each one. */
const FAULTY_ATTEMPTS_MAX = 100;

/** Codes by which damage may be told. */
const DAMAGE: ReadonlySet<string> = new Set([
  'SLUICE_DAMAGED',
  'SLUICE_FORMAT_UNKNOWN',
  'SLUICE_NOT_A_STORE',
]);

/** Takes processes up and down, and looks at what they find. */
export class Lifecycle {
  readonly #world: World;
  readonly #session: Session;
  /** There has been a good opening. */
  #isCreated = false;

  constructor(world: World, session: Session) {
    this.#world = world;
    this.#session = session;
  }

  /** Starts processes until one has the collection open. */
  async up(): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (attempt === FAULTY_ATTEMPTS_MAX) this.#world.chance.stop();
      if (await this.#attempt()) return;
      if (this.#world.violation !== undefined) return;
      await this.#world.sleep(this.#world.random.between(1, 2000));
    }
    this.#world.violated('a store opens when nothing is in its way', 'it never did');
  }

  /** Closes the collection; afterwards nothing of it may be left. */
  async down(): Promise<void> {
    const { process } = this.#world;
    const collection = process?.collection;
    if (process === undefined || collection === undefined) return;
    this.#world.trace.note('close');
    const ending = await this.#world.ending(collection.close());
    if (ending.status === 'overdue') this.#world.violated('closing ends', 'it did not');
    if (ending.status === 'failed') {
      if (process.faultCount === 0)
        this.#world.violated('closing succeeds', errorText(ending.error));
      process.crash(false);
    }
    if (ending.status === 'done') {
      this.#session.settled('the collection has been closed');
      this.#world.traffic.count('closed');
      await expectStopped(this.#world, process, collection);
    }
    this.#session.end();
    process.crash(false);
  }

  /** Opens again a collection whose storage has failed. */
  async reopen(collection: Collection): Promise<void> {
    const world = this.#world;
    const { process } = world;
    world.trace.note('reopen');
    // A reopening that fails in the replay leaves a lower number: what was answered is compared now,
    // up to what readers are shown. What a failed replay has come to, nobody has seen.
    world.oracle.advance(collection.info().wal.applied);
    const faults = process?.faultCount ?? 0;
    const reopening = world.ending(collection.reopen());
    if (world.random.chance(0.3)) await this.#askMeanwhile(collection);
    const ending = await reopening;
    if (ending.status === 'done') this.#session.settled('the storage was broken and is open again');
    this.#session.end();
    world.trace.note(`reopen: ${ending.status}`);
    if (ending.status === 'done') {
      world.traffic.count('reopened');
      await this.#found(collection, false);
    } else if (ending.status === 'overdue') world.violated('reopening ends', 'it did not');
    else if (ending.status === 'failed' && process?.faultCount === faults) {
      world.violated('reopening succeeds', errorText(ending.error));
    }
  }

  /** A store that is being opened takes wishes, and answers them in any case. */
  async #askMeanwhile(collection: Collection): Promise<void> {
    const world = this.#world;
    await world.rest(world.random.pick([0, 1, 10]));
    collection.trigger();
    for (const [name, wish] of Object.entries({
      flush: collection.flush(),
      configure: collection.configure({}),
    })) {
      const ending = await world.ending(wish);
      world.trace.note(`${name} meanwhile: ${ending.status}`);
      if (ending.status === 'overdue') world.violated('each caller is answered', name);
    }
  }

  async #attempt(): Promise<boolean> {
    const world = this.#world;
    const repair = this.#damage();
    const process = world.start(this.#isCreated ? 'opening' : 'creating');
    const giveUp = new AbortController();
    if (this.#isCreated && world.chance.strikes('givenUp', 10)) {
      void world.rest(world.random.next() * 10).then(() => giveUp.abort());
    }
    const opening = process.open(!this.#isCreated, giveUp.signal);
    const ending = await world.ending(opening);
    world.trace.note(`open: ${ending.status}`);
    if (ending.status === 'done') {
      this.#isCreated = true;
      world.traffic.count('opened');
      await this.#found(ending.value, true);
      return true;
    }
    if (ending.status === 'overdue') world.violated('opening ends', 'it did not');
    if (ending.status === 'failed' && !isGivenUp(ending.error, giveUp.signal)) {
      this.#judge(process, ending.error, repair !== undefined);
    }
    process.crash(false);
    repair?.();
    return false;
  }

  /** What the collection shows after an opening must be what the log's end says. */
  async #found(collection: Collection, isLoaded: boolean): Promise<void> {
    const world = this.#world;
    const { last, applied } = collection.info().wal;
    if (applied !== last) {
      world.violated('an open store shows everything', `${last} records, ${applied} applied`);
    }
    world.oracle.resume(last, world.hadPowerCut);
    world.hadPowerCut = false;
    this.#session.begin(collection, isLoaded);
    await expectContents(world, collection);
  }

  /** Opening may fail, but only for a reason, and never without a code. */
  #judge(process: SimulatedProcess, error: unknown, isDamaged: boolean): void {
    const world = this.#world;
    const code = error instanceof SluiceError ? error.code : undefined;
    world.trace.note(`open failed: ${code} ${errorText(error)}`);
    if (code === undefined) world.violated('errors of opening have a code', errorText(error));
    else if (isDamaged && DAMAGE.has(code)) return;
    else if (process.faultCount === 0) {
      world.violated('a sound store opens', `${code}: ${errorText(error)}`);
    } else if (DAMAGE.has(code)) {
      world.violated('faults are no damage', `${code}: ${errorText(error)}`);
    }
  }

  #damage(): (() => void) | undefined {
    const world = this.#world;
    if (!this.#isCreated || !world.chance.strikes('corruption', 4)) return undefined;
    const disk = world.random.pick([world.wal, world.segments]);
    world.trace.note(`a bit of ${disk.name} flips`);
    return disk.corrupt();
  }
}

function isGivenUp(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error instanceof SluiceError && error.code === 'SLUICE_ABORTED';
}
