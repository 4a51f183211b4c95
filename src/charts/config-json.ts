import type { AnyStateMachine } from 'xstate';

type Fields = Record<string, unknown>;

/** Fields whose functions compute something; a chart is the same without them. */
const COMPUTED = new Set(['context', 'input', 'output', 'params', 'types']);

/**
 * The configuration of a machine in plain JSON, as Stately Studio and `createMachine` read it. What
 * only code can say is left out; functions in the place of actions, guards and actors are named.
 */
export function configJson({ config }: Pick<AnyStateMachine, 'config'>): Fields {
  return plainFields(config as Fields);
}

function plainFields(fields: Fields): Fields {
  const kept = Object.entries(fields).filter(
    ([key, value]) => value !== undefined && !(COMPUTED.has(key) && typeof value === 'function'),
  );
  const plain = kept.map(([key, value]) => [
    key,
    isLogic(value) ? (fields.id ?? 'inline') : plainValue(value),
  ]);
  return Object.fromEntries(plain);
}

function plainValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === 'function') {
    const { type, name } = value as { type?: unknown; name: string };
    return { type: typeof type === 'string' ? type : name || 'inline' };
  }
  if (typeof value !== 'object' || value === null) return value;
  return plainFields(value as Fields);
}

/** An actor that is given as it is, without a name; its id stands for it. */
function isLogic(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'getInitialSnapshot' in value;
}
