// The console's words, which all lie in texts.toml; templates get theirs from the same place.

const texts = await (await fetch("/console/texts.json")).json();

// `say("section.name", { count: 3 })`; a number is written as the browser's language writes it, and
// `{count:walk|walks}` is followed by the word that goes with it.
export function say(key, values = {}) {
  const [section, name] = key.split(".");
  const text = texts[section]?.[name];
  if (text === undefined) throw new Error(`nobody wrote the text ${key}`);
  return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (_, wanted, one, several) => {
    const value = values[wanted];
    const written = typeof value === "number" ? value.toLocaleString() : String(value ?? "");
    return one === undefined ? written : `${written} ${value === 1 ? one : several}`;
  });
}
