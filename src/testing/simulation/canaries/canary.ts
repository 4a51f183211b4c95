/** A defect that is put in from outside, to prove that the simulation would find it. */
export interface Canary {
  name: string;
  /** Puts the defect in; returns what takes it out again. */
  install(): () => void;
}

/** Replaces a method, or another property, of a class from outside. */
export function replace<T extends object, K extends keyof T & string>(
  target: T,
  name: K,
  make: (original: T[K]) => T[K],
): () => void {
  const original = target[name];
  Object.defineProperty(target, name, {
    value: make(original),
    writable: true,
    configurable: true,
  });
  return () => {
    Object.defineProperty(target, name, { value: original, writable: true, configurable: true });
  };
}

/** True at each n-th call. */
export function everyNth(n: number): () => boolean {
  let count = 0;
  return () => {
    count += 1;
    return count % n === 0;
  };
}
