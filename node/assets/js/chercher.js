// Searching a site without a server: the words of the question, folded by the same rules as the index (node/src/index/french.rs),
// are looked up in small files that are loaded as they are needed (node/src/page/site/index.rs tells their form).
"use strict";

const essaim = (() => {
  // What an address has before a question.
  const ASKED = "#q=";
  // How many results are shown at once.
  const SHOWN = 20;
  // A last word that is still being typed is completed from so many letters on, in so many files at most.
  const BEGUN = 3, FILES = 3;

  let contents, exceptions;
  const words = new Map(), records = new Map(), loading = new Map();

  // The analyser. A text is an array of its characters, so that an index names one of them.
  const letter = (c) => c !== undefined && /[\p{Alphabetic}\p{N}]/u.test(c);
  const mark = (c) => /\p{M}/u.test(c);
  const digit = (c) => c !== undefined && /[0-9]/.test(c);
  const apostrophe = (c) => "'’ʼ‘′".includes(c);
  const middleDot = (c) => "·•‧⋅∙・".includes(c);
  const stop = (c) => c === ".";

  function fold(text) {
    const lower = [...text.normalize("NFKD")].filter((c) => !mark(c)).map((c) => c.toLowerCase()).join("");
    return lower.replaceAll("œ", "oe").replaceAll("æ", "ae");
  }

  // The end of the letters and digits that begin at `start`.
  function run(text, start) {
    while (start < text.length && (letter(text[start]) || mark(text[start]))) start += 1;
    return start;
  }

  // Where the next run of letters begins, when one sign that `joins` stands between it and `end`; else 0.
  const after = (text, end, joins) => (end < text.length && joins(text[end]) && letter(text[end + 1]) ? end + 1 : 0);

  function endingAfter(text, end, joins) {
    const next = after(text, end, joins);
    if (!next) return 0;
    const ending = run(text, next);
    return contents.inclusive.includes(fold(text.slice(next, ending).join(""))) ? ending : 0;
  }

  function endings(text, end) {
    let dotted = end, stopped = end, ending;
    while ((ending = endingAfter(text, dotted, middleDot))) dotted = ending;
    while ((ending = endingAfter(text, stopped, stop)) && !/\p{Uppercase}/u.test(text.slice(stopped, ending).join(""))) stopped = ending;
    return dotted === end && !after(text, stopped, stop) ? stopped : dotted;
  }

  function singular(word) {
    if (word.length > 4 && word.endsWith("eaux")) return word.slice(0, -1);
    if (word.length > 4 && word.endsWith("aux")) return word.slice(0, -3) + "al";
    return word.length > 3 ? word.replace(/[sx]$/, "") : word;
  }

  function stem(word) {
    if (exceptions.has(word)) return exceptions.get(word);
    if (!/^[a-z]*$/.test(word)) return word;
    let stem = singular(word);
    if (word.length > 4) stem = stem.replace(/trice$/, "teur").replace(/euse$/, "eur");
    while (stem.length > 3 && stem.endsWith("e")) stem = stem.slice(0, -1);
    return stem.length > 3 && /([^aeiouy])\1$/.test(stem) ? stem.slice(0, -1) : stem;
  }

  // The terms of a text, in order.
  function terms(said) {
    const text = [...said], found = [];
    let at = 0;
    for (;;) {
      while (at < text.length && !letter(text[at])) at += 1;
      if (at === text.length) return found;
      let start = at, end = run(text, start), next = after(text, end, apostrophe);
      if (next && contents.elided.includes(fold(text.slice(start, end).join("")))) [start, end] = [next, run(text, next)];
      while ((next = after(text, end, stop)) && digit(text[end - 1]) && digit(text[next])) end = run(text, next);
      const term = stem(fold(text.slice(start, end).join("")));
      if (term && new TextEncoder().encode(term).length <= contents.longest) found.push(term);
      at = endings(text, end);
    }
  }

  // Loads a file of the index, once.
  function load(name) {
    if (!loading.has(name)) {
      loading.set(name, new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = document.getElementById("resultats").dataset.index + name;
        script.onload = done;
        script.onerror = () => { loading.delete(name); failed(new Error(name)); };
        document.head.append(script);
      }));
    }
    return loading.get(name);
  }

  // The number of the file that has a term or those after it.
  const fileOf = (term) => Math.max(0, contents.starts.findLastIndex((start) => start <= term));

  // The lists of records of a term, and of those that begin with it when it is `begun`.
  async function lookedUp(term, begun) {
    const first = fileOf(term), found = [];
    for (let file = first; file < Math.min(first + (begun ? FILES : 1), contents.starts.length); file += 1) {
      if (file > first && !contents.starts[file].startsWith(term)) break;
      await load(`mots-${file}.js`);
      for (const [other, places] of words.get(file)) {
        if (other === term || (begun && other.startsWith(term))) found.push([other === term ? 1 : 0.4, places]);
      }
    }
    return found;
  }

  // What has the words of a question: numbers of records, the best first, and whether they have all of them.
  async function find(question) {
    const wanted = [...new Set(terms(question))], scores = new Map();
    for (const [number, term] of wanted.entries()) {
      const begun = number === wanted.length - 1 && term.length >= BEGUN;
      const best = new Map();
      for (const [worth, places] of await lookedUp(term, begun)) {
        const rare = Math.log(1 + contents.records / (places.length));
        let record = -1;
        for (const place of places) {
          record += place >> 2;
          best.set(record, Math.max(best.get(record) ?? 0, worth * rare * (place & 3)));
        }
      }
      for (const [record, score] of best) {
        const [hits, sum] = scores.get(record) ?? [0, 0];
        scores.set(record, [hits + 1, sum + score]);
      }
    }
    const most = Math.max(0, ...new Set([...scores.values()].map(([hits]) => hits)));
    const found = [...scores].filter(([, [hits]]) => hits === most);
    found.sort(([a, [, more]], [b, [, less]]) => less - more || a - b);
    return { found: found.map(([record]) => record), whole: most === wanted.length };
  }

  // One result, as templates/card.html draws it.
  function card([id, title, kind, place, summary]) {
    const make = (name, kind, text) => Object.assign(document.createElement(name), { className: kind, textContent: text });
    const card = make("article", "card", ""), over = make("p", "kind", kind), heading = make("h3", "", "");
    if (place) over.append(" · ", make("span", "where", place));
    const link = make("a", "", title);
    link.href = `${document.getElementById("resultats").dataset.fiches}${id}.html`;
    heading.append(link);
    card.append(over, heading);
    if (summary) card.append(make("p", "excerpt", summary));
    return card;
  }

  const box = document.getElementById("chercher"), input = document.getElementById("q");
  const results = document.getElementById("resultats"), total = document.getElementById("total");
  const more = document.getElementById("suite");
  let latest = 0;

  async function show(found, from) {
    const some = found.slice(from, from + SHOWN);
    const files = new Set(some.map((record) => Math.floor(record / contents.each)));
    await Promise.all([...files].map((file) => load(`fiches-${file}.js`)));
    const cards = some.map((record) => card(records.get(Math.floor(record / contents.each))[record % contents.each]));
    return { cards, next: from + SHOWN < found.length ? from + SHOWN : 0 };
  }

  // What is asked behind the # of the address, where it is not sent to whoever keeps the site; nothing when that is the name
  // of a place of the page.
  function asked() {
    try {
      return location.hash.startsWith(ASKED) ? decodeURIComponent(location.hash.slice(ASKED.length)) : undefined;
    } catch {
      return undefined;
    }
  }

  async function answer() {
    const turn = (latest += 1), question = asked();
    if (question === undefined) return;
    input.value = question;
    more.hidden = true;
    if (!terms(question).length) {
      results.replaceChildren();
      total.textContent = "";
      return;
    }
    try {
      const { found, whole } = await find(question);
      let { cards, next } = await show(found, 0);
      if (turn !== latest) return;
      results.replaceChildren(...cards);
      const { none, one, many, partial } = total.dataset;
      const count = [none, one][found.length] ?? many.replace("#", found.length.toLocaleString(document.documentElement.lang));
      total.textContent = found.length && !whole ? `${count}. ${partial}` : count;
      more.hidden = !next;
      more.onclick = async () => {
        const first = results.childElementCount;
        ({ cards, next } = await show(found, next));
        results.append(...cards);
        more.hidden = !next;
        results.children[first]?.querySelector("a").focus();
      };
    } catch {
      if (turn === latest) total.textContent = total.dataset.failed;
    }
  }

  function ask() {
    const question = input.value.trim();
    if (!results) location.href = `${box.dataset.page}${ASKED}${encodeURIComponent(question)}`;
    else if (asked() === question) answer();
    else location.hash = ASKED + encodeURIComponent(question);
  }

  box.hidden = false;
  box.querySelector("button").addEventListener("click", ask);
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") ask(); });

  return {
    terms,
    words: (number, lines) => words.set(number, lines),
    records: (number, lines) => records.set(number, lines),
    index(told) {
      contents = told;
      exceptions = new Map(Object.entries(told.exceptions));
      addEventListener("hashchange", answer);
      answer();
    },
  };
})();
