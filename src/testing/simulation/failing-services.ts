import { SluiceError } from '../../errors.js';
import type { PointCapture } from '../../services/points/capture.js';
import type { PointHolder } from '../../services/points/holder.js';
import type { PointOperation } from '../../services/points/operations.js';
import type { OperationCodec } from '../../services/ports.js';

/** Makes steps of a holder fail before they have done anything, as its port allows. */
export function failNowAndThen(holder: PointHolder, fails: () => boolean): void {
  const mayFail = () => {
    if (!fails()) return;
    throw new SluiceError('SLUICE_IO', 'it failed for now', { kind: 'transient' });
  };
  const { apply, ensureCapacity, capture } = holder;
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
}

/** Makes the update worker die of an error that it knows nothing of. */
export function crashNowAndThen(codec: OperationCodec<PointOperation>, fails: () => boolean): void {
  const { decode } = codec;
  codec.decode = (data) => {
    if (fails()) throw new SluiceError('SLUICE_CRASHED', 'a worker is made to crash');
    return decode(data);
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
