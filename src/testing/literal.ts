/** Lines of a written program end before this column, unless a text is longer. */
export const COLUMNS_MAX = 100;
const INDENT = '  ';

/**
 * A value of plain parts as it is written in a program: on one line when that ends before column
 * 100, else a line for each part. `column`: where it begins; `indent`: the spaces before its line.
 */
export function literal(value: unknown, indent = '', column = indent.length): string {
  const line = onOneLine(value);
  if (column + line.length < COLUMNS_MAX || typeof value !== 'object' || value === null) {
    return line;
  }
  const inner = indent + INDENT;
  const parts = Array.isArray(value)
    ? value.map((part) => literal(part, inner))
    : Object.entries(value).map(([key, part]) => {
        const name = `${keyText(key)}: `;
        return name + literal(part, inner, inner.length + name.length);
      });
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return [open, ...parts.map((part) => `${inner}${part},`), `${indent}${close}`].join('\n');
}

/** The name of a property, in quotes where it needs them. */
export function keyText(key: string): string {
  // As a name of its own, __proto__ would set the prototype.
  if (key === '__proto__') return "['__proto__']";
  return isIdentifier(key) ? key : quoted(key);
}

export function isIdentifier(text: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(text);
}

/** A text as a string literal in single quotes, or in others when it has single ones inside. */
export function quoted(text: string): string {
  const json = JSON.stringify(text).replace(/[\u2028\u2029\u007f-\u009f]/g, escapeCode);
  if (text.includes("'")) return json;
  return `'${json.slice(1, -1).replaceAll('\\"', '"')}'`;
}

const escapeCode = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

function onOneLine(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  const parts = Object.entries(value).map(([key, part]) => `${keyText(key)}: ${onOneLine(part)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}
