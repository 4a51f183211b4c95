import type { CollectionParts } from '../../collection-parts.js';
import { SluiceError } from '../../errors.js';
import type { PointCapture } from '../../services/points/capture.js';
import type { PointHolder } from '../../services/points/holder.js';
import type { Optimization } from '../../services/ports.js';

/** Makes steps of a holder fail before they have done anything, as its port allows. */
export function failNowAndThen(holder: PointHolder, fails: () => boolean): void {
  const mayFail = () => {
    if (!fails()) return;
    throw new SluiceError('SLUICE_IO', 'it failed for now', { kind: 'transient' });
  };
  const { apply, ensureCapacity, capture, beginRebuild } = holder;
  holder.apply = (opNum, operation) => {
    mayFail();
    return apply.call(holder, opNum, operation);
  };
  holder.ensureCapacity = () => {
    mayFail();
    ensureCapacity.call(holder);
  };
  holder.capture = (applied, notes) => {
    mayFail();
    const taken = capture.call(holder, applied, notes);
    return failing(taken, mayFail);
  };
  holder.beginRebuild = (ids) => failingRebuild(beginRebuild.call(holder, ids), mayFail);
}

/**
 * Makes the workers that update and flush die of errors that they know nothing of. An updating one
 * does so where it decodes a record: those of a replay, and every other one of live work.
 */
export function crashNowAndThen(
  { codec, handler, holder }: Pick<CollectionParts, 'codec' | 'handler' | 'holder'>,
  fails: () => boolean,
): void {
  const mayCrash = () => {
    if (fails()) throw new SluiceError('SLUICE_CRASHED', 'a worker is made to crash');
  };
  const { decode } = codec;
  codec.decode = (data) => {
    mayCrash();
    return decode(data);
  };
  const { submitEncoded } = handler;
  let submitted = 0;
  handler.submitEncoded = (data, options, operation) => {
    submitted += 1;
    const kept = submitted % 2 === 0 ? operation : undefined;
    return submitEncoded.call(handler, data, options, kept);
  };
  const { capture } = holder;
  holder.capture = (applied, notes) => {
    const taken = capture.call(holder, applied, notes);
    const { release } = taken;
    taken.release = () => {
      release.call(taken);
      mayCrash();
    };
    return taken;
  };
}

function failing(capture: PointCapture, mayFail: () => void): PointCapture {
  const { writeBlocks, commit } = capture;
  capture.writeBlocks = async (signal) => {
    mayFail();
    await writeBlocks.call(capture, signal);
  };
  capture.commit = async () => {
    mayFail();
    await commit.call(capture);
  };
  return capture;
}

function failingRebuild(
  rebuild: Optimization | undefined,
  mayFail: () => void,
): Optimization | undefined {
  if (rebuild === undefined) return undefined;
  const { catchUp, swap, discard } = rebuild;
  rebuild.catchUp = async (context) => {
    mayFail();
    await catchUp.call(rebuild, context);
  };
  rebuild.swap = () => {
    mayFail();
    return swap.call(rebuild);
  };
  // What a run that failed leaves on disk is deleted by a later opening, if not at once.
  rebuild.discard = async () => {
    mayFail();
    await discard.call(rebuild);
  };
  return rebuild;
}
