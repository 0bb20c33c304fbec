
"use strict";
// Draws the page from the data in it. Names come from folders and files: they become text nodes, never markup.

const facts = JSON.parse(document.getElementById("facts").textContent);
const gallery = JSON.parse(document.getElementById("images").textContent);
const FIRST_THUMBS = 24;
const BLINK = 600; // milliseconds an image stays: below two changes a second
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const named = (text) => ({ text, value: text });
const arrow = (direction) => `${direction.source ?? direction[0]} → ${direction.target ?? direction[1]}`;

const heading = (metric) => metric.title + metric.sign;

function viewLabel(view) {
  if (view.kind === "all") return "all directions";
  return view.kind === "target" ? `all directions to ${view.target}` : arrow(view);
}

const scoresOrder = {};

function drawScores(place) {
  const view = facts.views[place];
  const columns = [{ title: "model" }, ...facts.metrics, ...(facts.has_health ? [{ title: "health" }] : []), { title: "n" }];
  const rows = facts.models.map((model, index) => ({ kind: model.kind, cells: [named(model.name), ...view.rows[index]] }));
  byId("scores-table").replaceChildren(sortable(`Scores, mean over ${viewLabel(view)}`, columns, rows, scoresOrder));
}

function drawCosts() {
  const kinds = new Map(facts.models.map((model) => [model.name, model.kind]));
  const columns = [{ title: "model" }, ...facts.costs.columns.map((title) => ({ title }))];
  const rows = facts.costs.models.map((name, index) => ({ kind: kinds.get(name) ?? "", cells: [named(name), ...facts.costs.rows[index]] }));
  byId("costs-table").replaceChildren(sortable("Costs", columns, rows, {}));
  byId("costs-caption").replaceChildren(...items(facts.costs.caption));
}

// Tables of details are folded: they are for a second look.
function drawDetails() {
  byId("details").append(...facts.details.map((table) => {
    const columns = table.columns.map((title) => ({ title }));
    return element("details", {}, element("summary", {}, table.title), sortable(table.title, columns, table.rows.map((cells) => ({ kind: "", cells })), {}));
  }));
}

function drawClaims() {
  if (facts.claims.length) byId("claims").append(element("h3", {}, "Claims"), element("ul", { class: "claims" }, ...items(facts.claims)));
}

// Heat maps

function heatCell(cell) {
  const made = element("td", {}, cell ? cell.text : "");
  if (cell?.color) {
    made.style.setProperty("background-color", cell.color);
    made.style.setProperty("color", cell.ink);
  }
  return made;
}

function drawMaps(metric) {
  const ways = facts.views.filter((view) => view.kind === "direction");
  const models = facts.models.map((model, index) => ({ ...model, index })).filter((model) => model.kind !== "real");
  const title = heading(facts.metrics[metric]);
  byId("maps").replaceChildren(...models.map((model) => {
    const cell = (source, target) => ways.find((view) => view.source === source && view.target === target)?.rows[model.index][metric];
    return heatMap(model.name, title, (source, target) => heatCell(cell(source, target)));
  }));
}

function heatMap(name, title, cell) {
  const sources = facts.domains.filter((domain) => facts.directions.some((way) => way[0] === domain));
  const targets = facts.domains.filter((domain) => facts.directions.some((way) => way[1] === domain));
  const head = element("tr", {}, element("td", {}), ...targets.map((target) => element("th", { scope: "col" }, target)));
  const lines = sources.map((source) => element("tr", {}, element("th", { scope: "row", title: source }, source), ...targets.map((target) => cell(source, target))));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
  return element("figure", {}, element("figcaption", {}, name), scrolling(`${title}: ${name}`, table));
}

// Curves

function drawCurves(model) {
  const trainings = facts.curves.filter((training) => training.model === model);
  const label = (training) => (facts.seeds.length > 1 ? `${training.training}, seed ${training.seed}` : training.training);
  const terms = [...new Set(trainings.flatMap((training) => training.terms.map((term) => term[0])))];
  byId("charts").replaceChildren(...terms.map((term) => chart(term, trainings.flatMap((training, place) =>
    training.terms.filter((own) => own[0] === term).map((own) => ({ points: own[1], place, label: label(training) }))))));
  byId("curves-legend").replaceChildren(...keys(trainings.map(label)));
}

// Human studies

function placed(tag, kind, left, width) {
  const made = element(tag, { class: kind });
  made.style.setProperty("left", `${left}%`);
  if (width !== undefined) made.style.setProperty("width", `${width}%`);
  return made;
}

// The same numbers stand in the table.
function dots(table) {
  return element("div", { class: "dots", "aria-hidden": "true" }, ...table.dots.map((dot) => element("div", { class: dot.kind },
    element("span", {}, dot.name),
    element("span", { class: "track" }, placed("i", "chance", table.chance), placed("i", "range", dot.low, dot.high - dot.low), placed("b", "point", dot.rate)))));
}

function studyTable(table) {
  const columns = table.columns.map((title) => ({ title }));
  const made = sortable(table.title, columns, table.rows.map((cells, place) => ({ kind: table.kinds[place], cells })), {});
  if (table.dots.length) return element("div", {}, element("h4", {}, table.title), dots(table), made);
  return element("details", {}, element("summary", {}, table.title), made);
}

function studySection(study) {
  const changed = study.changed.length ? element("p", { class: "alarm" }, `Translated again since raters saw them: ${study.changed.join(", ")}.`) : null;
  const folded = (title, lines) => element("details", {}, element("summary", {}, title), element("ul", {}, ...items(lines)));
  return element("div", {}, element("h3", {}, study.title), changed, ...study.tables.map(studyTable), folded("How to read it", study.caption), folded("Who was left out", study.left_out));
}

function drawStudies() {
  byId("studies").hidden = !facts.studies.length;
  byId("studies-list").replaceChildren(...facts.studies.map(studySection));
}

// Protocol and jobs

function described(value) {
  if (value === null) return "–";
  if (Array.isArray(value) && value.some((item) => item !== null && typeof item === "object")) return element("div", {}, ...value.map(described));
  if (Array.isArray(value)) return value.length ? value.map((item) => written(item)).join(", ") : "none";
  if (typeof value === "object") return list(Object.entries(value));
  return /^[0-9a-f]{16,}$/.test(value) ? element("code", {}, value) : written(value);
}

function written(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" && Number.isInteger(value) && value >= 10000 ? value.toLocaleString("en") : String(value);
}

const spoken = (name) => name.replaceAll("_", " ");
const list = (entries, label = spoken) => element("dl", {}, ...entries.flatMap(([name, value]) => [element("dt", {}, label(name)), element("dd", {}, described(value))]));

function drawProtocol() {
  const { fingerprint, protocol, ...others } = facts.protocol;
  byId("fingerprint").textContent = fingerprint;
  byId("card").append(list(Object.entries(protocol)), ...Object.entries(others).map(([name, value]) => element("details", {}, element("summary", {}, spoken(name)), described(value))));
}

function failure([name, error]) {
  const lines = error.split("\n");
  const whole = lines.length > 1 ? element("details", {}, element("summary", {}, "the whole error"), element("pre", {}, error)) : null;
  return element("li", {}, element("b", {}, name), `: ${lines[lines.length - 1]}`, whole);
}

function drawJobs() {
  const { failed, skipped } = facts;
  byId("jobs").hidden = !failed.length && !skipped.length;
  if (failed.length) byId("jobs-list").append(element("h3", {}, `Failed: ${failed.length}`), element("ul", {}, ...failed.map(failure)));
  if (skipped.length) byId("jobs-list").append(element("h3", {}, `Skipped: ${skipped.length}`), element("ul", {}, ...skipped.map(([name, reason]) => element("li", {}, element("b", {}, name), `: ${reason}`))));
  byId("alarm").hidden = !failed.length;
  byId("alarm").replaceChildren(element("a", { href: "#jobs" }, `${failed.length} of the jobs failed or did not run; what is below is incomplete.`));
}

// Gallery

const now = { direction: 0, seed: 0, left: 0, right: 1, order: 0, image: 0, thumbs: FIRST_THUMBS, images: [] };

// What stands for a method that has no such seed is named with the seed that it is of.
function columnLabel(name, column) {
  const seedNote = gallery.of_first_seed[now.seed].includes(column) ? ` (seed ${gallery.seeds[0]})` : "";
  return name === "target" ? "ground truth" : gallery.headings[column] + seedNote;
}

const own = (image) => image.seeds[now.seed];
const source = (image, column) => gallery.images[own(image).images[column]];

// The mean over the translators, so that "worst" is one order whatever is on the stage.
function meanScore(image, metric) {
  const values = gallery.translators.map((name) => own(image).scores[gallery.columns.indexOf(name)][metric]).filter((value) => value !== null);
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
}

function orders() {
  const found = [{ label: `at random, seed ${gallery.seed}`, value: null }];
  gallery.metrics.forEach((metric, place) => found.push({
    label: `worst ${metric.title}`, value: (image) => meanScore(image, place), sign: metric.better === "higher" ? 1 : -1, decimals: metric.decimals,
  }));
  if (gallery.translators.length > 1) found.push({ label: "translators disagree", value: (image) => own(image).difference, sign: -1, decimals: 1 });
  return found;
}

function ordered(images, order) {
  const shown = images.filter((image) => image.chosen === "random").concat(images.filter((image) => image.chosen !== "random"));
  if (!order.value) return shown;
  const valued = shown.map((image) => ({ image, value: order.value(image) }));
  valued.sort((one, other) => (one.value === null || other.value === null ? 1 : order.sign) * compared(one.value, other.value));
  return valued.map((entry) => entry.image);
}

const fixed = (value, decimals) => value.toFixed(decimals).replace(/^-(?=[0.]*$)/, ""); // no minus before 0

function drawThumbs() {
  const order = orders()[now.order];
  byId("thumbs").replaceChildren(...now.images.slice(0, now.thumbs).map((image, place) => {
    const value = order.value?.(image);
    const extra = value === undefined || value === null ? null : element("span", {}, fixed(value, order.decimals));
    return element("button", { type: "button", "aria-pressed": place === now.image, tabindex: place === now.image ? "0" : "-1", "data-place": place, onclick: () => show(place) },
      element("img", { src: source(image, now.right), alt: "" }), element("span", {}, image.name), extra);
  }));
  byId("more").hidden = now.thumbs >= now.images.length;
}

function note() {
  const direction = gallery.directions[now.direction];
  const [shown, worst] = [direction.images.length, direction.images.filter((image) => image.chosen === "worst").length];
  const few = now.images.length < shown ? ` To keep the file small, it holds the first ${now.images.length} of them with this seed, and all with seed ${gallery.seeds[0]}.` : "";
  const chosen = shown === direction.of ? `All ${shown} test images` : `${shown} of ${direction.of} test images: ${shown - worst} at random by seed ${gallery.seed}${worst ? `, ${worst} the worst by ${gallery.worst_by}` : ""}`;
  const seeds = gallery.seeds.length > 1 ? ` Translators of seed ${gallery.seeds[now.seed]}.` : "";
  const order = now.order ? `, ordered by: ${orders()[now.order].label}${orders()[now.order].value && now.order <= gallery.metrics.length ? " (mean of the translators)" : " (mean absolute difference of values, 0 to 255)"}` : `, in the order of seed ${gallery.seed}`;
  byId("thumbs-note").textContent = `${chosen}${order}.${seeds}${few} ${gallery.stored}`;
}

function show(place) {
  now.image = Math.min(Math.max(place, 0), now.images.length - 1);
  if (now.image >= now.thumbs) {
    now.thumbs = now.image + FIRST_THUMBS;
    drawThumbs();
  }
  for (const thumb of byId("thumbs").children) {
    const chosen = Number(thumb.dataset.place) === now.image;
    thumb.setAttribute("aria-pressed", chosen);
    thumb.tabIndex = chosen ? 0 : -1;
  }
  drawImage();
}

function drawImage() {
  const image = now.images[now.image];
  for (const side of ["left", "right"]) {
    const label = columnLabel(gallery.columns[now[side]], now[side]);
    byId(`${side}-image`).src = source(image, now[side]);
    byId(`${side}-image`).alt = `${label}, image ${image.name}`;
    byId(`${side}-label`).textContent = label;
  }
  byId("shown").textContent = `${image.name}, ${now.image + 1} of ${now.images.length}`;
  byId("previous").disabled = now.image === 0;
  byId("next").disabled = now.image === now.images.length - 1;
  drawColumns(image);
  drawImageScores(image);
}

function drawColumns(image) {
  byId("columns").replaceChildren(...gallery.columns.map((name, column) => element("button", {
    type: "button", "aria-pressed": column === now.left || column === now.right, onclick: () => {
      choose("right", column);
      byId("columns").children[column].focus();
    },
  }, element("img", { src: source(image, column), alt: "" }), element("span", {}, columnLabel(name, column), hint(", show on the right")))));
}

function drawImageScores(image) {
  const places = gallery.columns.map((name, column) => column).filter((column) => own(image).scores[column].some((value) => value !== null));
  const written = (value, metric) => (value === null ? { text: "–", value } : { text: fixed(value, metric.decimals), value });
  const rows = places.map((column) => ({ kind: "", cells: [named(columnLabel(gallery.columns[column], column)), ...own(image).scores[column].map((value, place) => written(value, gallery.metrics[place]))] }));
  byId("image-scores").replaceChildren(...(rows.length ? [sortable("Scores of this image", [{ title: "model" }, ...gallery.metrics], rows, imageOrder)] : []));
}

const imageOrder = {};

function choose(side, column) {
  now[side] = column;
  byId(side).value = String(column);
  drawThumbs();
  drawImage();
}

function rearrange() {
  now.images = ordered(gallery.directions[now.direction].images.filter(own), orders()[now.order]);
  now.image = 0;
  now.thumbs = FIRST_THUMBS;
  drawThumbs();
  note();
  drawImage();
}

// The same image with another seed, where the page has it.
function changeSeed(place) {
  const { name } = now.images[now.image];
  now.seed = place;
  drawSides();
  rearrange();
  show(now.images.findIndex((image) => image.name === name));
}

function drawSides() {
  const labels = gallery.columns.map(columnLabel);
  for (const side of ["left", "right"]) choices(byId(side), labels, now[side], (place) => choose(side, place));
}

// Ways to compare

let blinking = 0;

function front(side) {
  byId("stage").dataset.front = side;
}

const flip = () => front(byId("stage").dataset.front === "left" ? "right" : "left");

function blink(on) {
  clearInterval(blinking);
  blinking = on ? setInterval(flip, BLINK) : 0;
  byId("blink").setAttribute("aria-pressed", on);
  byId("blink").textContent = on ? "Stop blinking" : "Start blinking";
}

function setMode(mode) {
  byId("stage").dataset.mode = mode;
  front("left");
  blink(mode === "blink" && !calm.matches);
}

function divide(percent) {
  const value = Math.min(Math.max(percent, 0), 100);
  byId("divider").value = String(value);
  byId("stage").style.setProperty("--divider", `${value}%`);
}

function drag(event) {
  if (byId("stage").dataset.mode !== "slide" || !(event.buttons & 1)) return;
  const box = byId("stage").getBoundingClientRect();
  divide(((event.clientX - box.left) / box.width) * 100);
}

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

function walk(event) {
  const columns = getComputedStyle(byId("thumbs")).gridTemplateColumns.split(" ").length;
  const steps = { ...STEPS, ArrowDown: columns, ArrowUp: -columns, Home: -now.image, End: now.images.length - 1 - now.image };
  if (!(event.key in steps)) return;
  event.preventDefault();
  show(now.image + steps[event.key]);
  byId("thumbs").children[now.image].focus();
}

function drawGallery() {
  if (!gallery.directions.length || gallery.columns.length < 2) {
    byId("gallery").hidden = true;
    return;
  }
  now.right = Math.max(gallery.columns.indexOf(gallery.translators[0]), 1);
  choices(byId("direction"), gallery.directions.map(arrow), 0, (place) => { now.direction = place; rearrange(); });
  drawSides();
  choices(byId("seed"), gallery.seeds, 0, changeSeed);
  byId("seed-choice").hidden = gallery.seeds.length < 2;
  choices(byId("order"), orders().map((order) => order.label), 0, (place) => { now.order = place; rearrange(); });
  for (const radio of document.getElementsByName("mode")) radio.onchange = () => setMode(radio.value);
  byId("divider").oninput = (event) => divide(Number(event.target.value));
  byId("stage").onpointerdown = drag;
  byId("stage").onpointermove = drag;
  byId("blink").onclick = () => blink(!blinking);
  byId("flip").onclick = () => { blink(false); flip(); };
  byId("previous").onclick = () => show(now.image - 1);
  byId("next").onclick = () => show(now.image + 1);
  byId("smooth").onchange = (event) => byId("stage").classList.toggle("smooth", event.target.checked);
  byId("more").onclick = () => { now.thumbs += FIRST_THUMBS; drawThumbs(); };
  byId("thumbs").onkeydown = walk;
  rearrange();
  setMode("slide");
}

// The page

function drawHead() {
  document.title = `${facts.dataset}: bench report`;
  byId("dataset").textContent = facts.dataset;
  byId("about").textContent = facts.about;
  byId("facts-line").replaceChildren(...items(facts.summary));
  byId("made").textContent = `Written by i2i ${facts.version}. Protocol ${facts.fingerprint}.`;
  byId("caption").replaceChildren(...items(facts.caption));
  byId("doubts").replaceChildren(...facts.warnings.map((line) => element("p", { class: "alarm" }, ...prose(line))));
  byId("theme").onchange = (event) => { document.documentElement.dataset.theme = event.target.value; };
}

function drawContents() {
  const sections = [...document.querySelectorAll("main section")].filter((section) => !section.hidden);
  byId("contents").replaceChildren(...sections.map((section) => element("a", { href: `#${section.id}` }, section.querySelector("h2").textContent)));
}

function draw() {
  drawHead();
  choices(byId("view"), facts.views.map(viewLabel), 0, drawScores);
  drawScores(0);
  drawClaims();
  drawDetails();
  drawGallery();
  byId("directions").hidden = facts.directions.length < 2 || !facts.metrics.length;
  if (facts.metrics.length) {
    choices(byId("metric"), facts.metrics.map(heading), facts.main, drawMaps);
    drawMaps(facts.main);
  }
  byId("costs").hidden = !facts.costs.models.length;
  drawCosts();
  const trained = [...new Set(facts.curves.map((training) => training.model))];
  byId("curves").hidden = !trained.length;
  if (trained.length) {
    choices(byId("curves-model"), trained, 0, (place) => drawCurves(trained[place]));
    drawCurves(trained[0]);
  }
  drawStudies();
  drawProtocol();
  drawJobs();
  drawContents();
}

draw();
