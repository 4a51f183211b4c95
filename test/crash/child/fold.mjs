// What a step does to points, for targets that have no point engine of their own.
import { closeSync, fsyncSync, openSync } from 'node:fs';

const group = (points, number) =>
  [...points].filter(([, { payload }]) => payload.group === number).map(([id]) => id);

const select = (points, selector) =>
  Array.isArray(selector) ? selector : group(points, selector.group);

/** Maps each id that a step touches to its new value, or to undefined when it goes. */
export function effects(points, step) {
  const changes = new Map();
  if (step.kind === 'upsert') {
    for (const { id, vector, payload } of step.points) changes.set(id, { vector, payload });
  } else if (step.kind === 'delete') {
    for (const id of select(points, step.selector)) changes.set(id, undefined);
  } else if (step.kind === 'updateVectors') {
    for (const { id, vector } of step.points) {
      changes.set(id, points.has(id) && { vector, payload: points.get(id).payload });
    }
  } else if (step.selector !== undefined) {
    for (const id of select(points, step.selector)) {
      const { vector, payload } = points.get(id) ?? {};
      changes.set(id, vector && { vector, payload: change(payload, step) });
    }
  }
  const missing = step.kind !== 'delete' && [...changes.values()].some((value) => !value);
  return missing ? new Map() : changes;
}

function change(payload, step) {
  if (step.kind === 'setPayload') return { ...payload, ...step.payload };
  if (step.kind === 'overwritePayload') return step.payload;
  if (step.kind === 'clearPayload') return {};
  return Object.fromEntries(Object.entries(payload).filter(([key]) => !step.keys.includes(key)));
}

/** Makes the names in a directory durable. */
export function syncDirectory(path) {
  const descriptor = openSync(path);
  fsyncSync(descriptor);
  closeSync(descriptor);
}
