
"use strict";
// What pages are built of: elements, and tables that sort. Names become text nodes, never markup.

const byId = (id) => document.getElementById(id);

// Elements

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const hint = (text) => element("span", { class: "hidden" }, text);
const prose = (text) => text.split("`").map((part, place) => (place % 2 ? element("code", {}, part) : part));
const items = (lines) => lines.map((line) => element("li", {}, ...prose(line)));
const scrolling = (label, content) => element("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, content);

function choices(select, labels, chosen, changed) {
  select.replaceChildren(...labels.map((label, place) => element("option", { value: place }, label)));
  select.value = String(chosen);
  select.onchange = () => changed(Number(select.value));
}

// Tables that sort

const collator = new Intl.Collator(undefined, { numeric: true });

function compared(one, other) {
  if (one === null || other === null) return (one === null) - (other === null); // nothing goes last
  return typeof one === "number" ? one - other : collator.compare(one, other);
}

// `state` is {column, descending} or empty; it outlives the table, so that another view keeps the order.
function sortable(caption, columns, rows, state) {
  const body = element("tbody");
  const wordy = columns.map((_, place) => place > 0 && rows.some((row) => typeof row.cells[place].value === "string"));
  const heads = columns.map((column, place) => element("th", { scope: "col", class: wordy[place] ? "words" : "" }, element("button", {
    type: "button",
    onclick: () => {
      state.descending = state.column === place ? !state.descending : column.better !== "lower" && place > 0;
      state.column = place;
      order();
    },
  }, column.title.replace(/ (?=[↑↓]$)/, "\u00a0") + (column.sign ?? ""), column.better ? hint(`, ${column.better} is better`) : null)));

  function order() {
    const sorted = [...rows];
    if (state.column !== undefined) {
      const value = (row) => row.cells[state.column].value;
      const sign = state.descending ? -1 : 1;
      sorted.sort((one, other) => (value(one) === null || value(other) === null ? 1 : sign) * compared(value(one), value(other)));
    }
    heads.forEach((head, place) => {
      if (place === state.column) head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren(...sorted.map((row) => row.line));
  }

  for (const row of rows) row.line = element("tr", { class: row.kind }, ...row.cells.map((cell, place) => tableCell(cell, place, wordy[place])));
  order();
  const table = element("table", {}, element("caption", { class: "hidden" }, caption), element("thead", {}, element("tr", {}, ...heads)), body);
  return scrolling(caption, table);
}

function tableCell(cell, place, wordy) {
  if (place === 0) return element("th", { scope: "row", title: cell.text }, cell.text);
  const mark = cell.mark ? element("sup", {}, cell.mark) : "";
  if (cell.rank === 0) return element("td", {}, element("b", { class: "best" }, cell.text), mark, hint(" (best)"));
  if (cell.rank === 1) return element("td", {}, element("span", { class: "second" }, cell.text), mark, hint(" (second)"));
  return element("td", { class: wordy ? "words" : "" }, cell.text, mark);
}

