/** What an operation does, as the kit knows it. */
export type Intent =
  | { kind: 'put'; key: string; value: string }
  | { kind: 'delete'; key: string }
  | { kind: 'refused'; present: string; absent: string };

export type Entries = Map<string, string>;

/** Every operation so far, and what they come to: a map, and nothing of segments. */
export class SegmentsModel {
  readonly intents: Intent[] = [];
  readonly entries: Entries = new Map();

  get last(): number {
    return this.intents.length;
  }

  add(intent: Intent): void {
    this.intents.push(intent);
    applyTo(this.entries, intent);
  }

  /** The effect of operations 1…`applied`. */
  upTo(applied: number): Entries {
    const entries: Entries = new Map();
    for (const intent of this.intents.slice(0, applied)) applyTo(entries, intent);
    return entries;
  }
}

function applyTo(entries: Entries, intent: Intent): void {
  if (intent.kind === 'put') entries.set(intent.key, intent.value);
  if (intent.kind === 'delete') entries.delete(intent.key);
}

/** Where two contents differ, in words; undefined when they don't. */
export function difference(expected: Entries, actual: Entries): string | undefined {
  const lines: string[] = [];
  for (const [key, value] of expected) {
    const found = actual.get(key);
    if (found === undefined) lines.push(`'${key}' is missing (should be '${value}')`);
    else if (found !== value) lines.push(`'${key}' is '${found}' (should be '${value}')`);
  }
  for (const [key, value] of actual) {
    if (!expected.has(key)) lines.push(`'${key}' is '${value}' (should not be there)`);
  }
  return lines.length === 0 ? undefined : lines.slice(0, 5).join('; ');
}
