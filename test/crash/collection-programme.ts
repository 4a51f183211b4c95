import { Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { COLLECTION, COLLECTION_WORK, drawCollectionOptions } from './collection-work.js';
import { POWER_CUTS } from './images.js';
import { type KillResult, killLoop } from './kill.js';
import { Model } from './model.js';
import {
  checkImages,
  checkRecoveries,
  cutsUntilOpened,
  drawCuts,
  type PowerResult,
  traceScript,
} from './power.js';
import { makeSteps } from './steps.js';

const MODES = ['kill', ...POWER_CUTS] as const;

function makeScript(random: Random, count: number) {
  const work = { ...COLLECTION_WORK, count, first: 0, waitShare: 0.15, fillerChars: 400 };
  // A small log buffer, so that it rotates while records in it are not synced.
  const options = {
    ...drawCollectionOptions(random),
    flushIntervalMs: 5,
    updateQueueLengthMax: 100,
  };
  const storage = { walWriteBufferBytes: 65_536, segmentsWriteBufferBytes: 65_536 };
  return { options: { ...options, storage }, inFlightMax: 8, steps: makeSteps(random, work) };
}

/** Images of one traced run of a new collection. */
export function cutPower(seed: number, images: number, steps = 1500): Promise<PowerResult> {
  const random = new Random(seed);
  const script = makeScript(random, steps);
  return withDirectory(async (directory) => {
    const trace = await traceScript(directory, COLLECTION, script);
    const where = { target: COLLECTION, script, trace, directory, start: new Model() };
    const cuts = drawCuts(trace, { count: images, modes: MODES, random, openedOnly: false });
    return checkImages({ ...where, cuts, random });
  });
}

/** An image of every moment of a creation. */
export function cutCreation(seed: number): Promise<PowerResult & { images: number }> {
  const random = new Random(seed);
  const script = makeScript(random, 1);
  return withDirectory(async (directory) => {
    const trace = await traceScript(directory, COLLECTION, script);
    const cuts = cutsUntilOpened(trace, MODES, random);
    const where = { target: COLLECTION, script, trace, directory, start: new Model() };
    return { ...(await checkImages({ ...where, cuts, random })), images: cuts.length };
  });
}

/** Images of recoveries from images of one traced run. */
export function cutRecovery(seed: number, recoveries: number, moments: number) {
  const random = new Random(seed);
  const script = makeScript(random, 600);
  return withDirectory(async (directory): Promise<PowerResult> => {
    const trace = await traceScript(directory, COLLECTION, script);
    const draw = { count: recoveries, modes: MODES, random, openedOnly: true };
    const where = { target: COLLECTION, script, trace, directory, start: new Model() };
    return checkRecoveries({
      ...where,
      cuts: drawCuts(trace, draw),
      random,
      moments,
      modes: MODES,
    });
  });
}

/** Kills of processes that go on with one collection, each with other options. */
export function killRounds(seed: number, rounds: number): Promise<KillResult> {
  const steps = {
    ...COLLECTION_WORK,
    count: 4000,
    waitShare: 0.3,
    optimizedShare: 0.05,
    fillerChars: 50,
  };
  const random = new Random(seed);
  return killLoop({
    target: COLLECTION,
    rounds,
    random,
    drawOptions: drawCollectionOptions,
    steps,
  });
}
