
"use strict";
// Shows the trials of one rater and keeps the answers. It knows neither which method made an image nor, but for
// practice, which answer is right.

const study = JSON.parse(document.getElementById("study-data").textContent);
const images = JSON.parse(document.getElementById("image-data").textContent);
const byId = (id) => document.getElementById(id);
const PLACE = `i2i-study/${study.study}/${study.rater}`;
const BLANK = 500; // milliseconds without an image, ahead of each timed one
const letter = (place) => String.fromCharCode(65 + place);

// What is kept: it outlives the page, where the browser allows that.

let memory = null;
let kept = true;

function read() {
  try {
    return JSON.parse(localStorage.getItem(PLACE));
  } catch {
    return memory;
  }
}

function write(state) {
  memory = state;
  try {
    localStorage.setItem(PLACE, JSON.stringify(state));
  } catch {
    kept = false;
  }
}

function forget() {
  memory = null;
  try {
    localStorage.removeItem(PLACE);
  } catch {
    kept = false;
  }
}

function fresh() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return { session: [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""), answers: [], begun: {} };
}

let state = read();

// Sections

function show(name) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== name;
  byId("withdraw").parentElement.hidden = state === null;
  byId("where").textContent = kept ? "" : "This browser keeps nothing: answer everything before you close the page.";
  scrollTo(0, 0);
}

const paragraph = (text) => Object.assign(document.createElement("p"), { textContent: text });

const practiced = study.trials.filter((trial) => trial.practice).length;
const TASKS = {
  "real-fake": [
    `You see two images, A and B, one after the other, each for ${study.exposure === 1000 ? "one second" : `${study.exposure / 1000} seconds`}. One is real. The other was made by a computer program: it is the fake. Say which one is the fake. If you are not sure, guess.`,
    `The first ${practiced} are practice: you are told whether you were right. Then follow ${study.trials.length - practiced} without that.`,
  ],
  preference: ["A computer program was given the input and asked to turn it into something else. You see the input and two results. Say which one is better. There is no time limit, and no right answer."],
  "best-of": ["A computer program was given the input and asked to turn it into something else. You see the input and several results, and are asked about them. There is no time limit, and no right answer."],
};

function welcome() {
  byId("task").replaceChildren(...TASKS[study.mode].map(paragraph), paragraph(`There are ${study.trials.length} questions. In some of them one image is plainly broken: they tell whether you look.`));
  byId("consent").replaceChildren(...study.consent.map(paragraph));
  byId("agree").checked = false;
  byId("start").disabled = true;
  byId("start").textContent = state?.answers.length ? "Go on" : "Begin";
  byId("kept").hidden = !state?.answers.length;
  byId("kept").textContent = `You have answered ${state?.answers.length} of ${study.trials.length} already.`;
  show("welcome");
}

byId("agree").onchange = () => { byId("start").disabled = !byId("agree").checked; };

byId("start").onclick = () => {
  state ??= fresh();
  write(state);
  go();
};

byId("withdraw").onclick = () => {
  if (!confirm("Delete all your answers?")) return;
  turn += 1;
  forget();
  state = null;
  welcome();
};

byId("proceed").onclick = () => run();

function go() {
  const done = state.answers.length;
  if (done === study.trials.length) return finish();
  if (done === practiced && done > 0) {
    byId("pause-text").textContent = `Now come ${study.trials.length - practiced} more. You are not told whether you were right.`;
    show("pause");
    byId("proceed").focus();
    return null;
  }
  return run();
}

// Timing: an image is on the screen from the frame that shows it to the frame that hides it.

const frame = () => new Promise((resolve) => { requestAnimationFrame(resolve); });

// The first frame that is nearer to the end of a time than the one after it; frames come at an even pace.
async function wait(start, milliseconds) {
  let now = start;
  let pace = 16.7;
  while (now - start < milliseconds - pace / 2) {
    const next = await frame();
    if (next > now) pace = Math.min(next - now, 50);
    now = next;
  }
  return now;
}

// What is changed in a frame's callback is drawn with that frame, so the times of two frames tell how long it was seen.
async function expose(image, milliseconds) {
  const shown = await wait(await frame(), BLANK);
  byId("mark").hidden = true;
  image.classList.add("on");
  const hidden = await wait(shown, milliseconds);
  image.classList.remove("on");
  byId("mark").hidden = false;
  return hidden - shown;
}

// Trials

let turn = 0; // of what runs: what waits for an earlier one ends

function prepare(trial, number) {
  show("trial");
  byId("bar").max = study.trials.length;
  byId("bar").value = number;
  byId("count").textContent = `${number + 1} of ${study.trials.length}${trial.practice ? ", practice" : ""}`;
  byId("question").textContent = trial.question;
  byId("verdict").textContent = "";
  byId("verdict").className = "";
  byId("next").hidden = true;
  const timed = study.exposure !== null;
  byId("stage").hidden = !timed;
  byId("input").hidden = trial.input === null;
  if (trial.input !== null) byId("input").querySelector("img").src = images[trial.input];
  byId("choices").style.setProperty("--across", Math.min(trial.images.length, 4));
  byId("choices").replaceChildren(...trial.images.map((image, place) => choice(timed ? null : images[image], place)));
  byId("keys").textContent = `Keys: ${trial.images.map((_, place) => letter(place)).join(", ")}${trial.images.length === 2 ? ", or ← and →" : ""}`;
}

function choice(address, place) {
  const button = Object.assign(document.createElement("button"), { type: "button", disabled: true });
  if (address !== null) button.append(Object.assign(document.createElement("img"), { src: address, alt: "" }));
  button.append(letter(place));
  button.onclick = () => chosen(place);
  return button;
}

let chosen = () => undefined;
const asked = () => new Promise((resolve) => { chosen = resolve; });

function open(on) {
  for (const button of byId("choices").children) button.disabled = !on;
}

async function run() {
  const own = (turn += 1);
  const number = state.answers.length;
  const trial = study.trials[number];
  prepare(trial, number);
  const [one, two] = [byId("one"), byId("two")];
  const exposures = [];
  if (study.exposure !== null) {
    [one.src, two.src] = trial.images.map((image) => images[image]);
  }
  await Promise.all([...document.querySelectorAll("#trial img[src]")].map((image) => image.decode().catch(() => null)));
  if (own !== turn) return;
  state.begun[number] = (state.begun[number] ?? 0) + 1;
  write(state);
  if (study.exposure !== null) {
    for (const image of [one, two]) {
      exposures.push(await expose(image, study.exposure));
      if (own !== turn) return;
    }
  }
  const start = performance.now();
  const answer = asked();
  open(true);
  const place = await answer;
  if (own !== turn) return;
  open(false);
  chosen = () => undefined;
  const rounded = (value) => Math.round(value * 10) / 10;
  state.answers.push({ chosen: place, ms: rounded(performance.now() - start), exposures: exposures.map(rounded), begun: state.begun[number] });
  write(state);
  if (!trial.practice) return go();
  const good = place === trial.right;
  byId("verdict").textContent = good ? `Right: ${letter(trial.right)} was the fake.` : `Wrong: ${letter(trial.right)} was the fake.`;
  byId("verdict").className = good ? "good" : "bad";
  byId("next").hidden = false;
  byId("next").focus();
}

byId("next").onclick = () => go();

document.addEventListener("keydown", (event) => {
  if (byId("trial").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const buttons = [...byId("choices").children];
  const arrows = { ArrowLeft: 0, ArrowRight: 1 };
  const key = event.key.toUpperCase();
  let place = key.length === 1 && key >= "A" && key <= "Z" ? key.charCodeAt(0) - 65 : key >= "1" && key <= "9" && key.length === 1 ? Number(key) - 1 : -1;
  if (buttons.length === 2 && event.key in arrows) place = arrows[event.key];
  if (buttons[place] && !buttons[place].disabled) {
    event.preventDefault();
    chosen(place);
  }
});

// The end

function finish() {
  const votes = JSON.stringify({ study: study.study, fingerprint: study.fingerprint, mode: study.mode, rater: study.rater, session: state.session, answers: state.answers });
  const text = `{"format":"i2i votes 1","checksum":"${sha256(votes)}","votes":${votes}}`;
  const save = byId("save");
  save.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  save.download = `votes-${study.study}-rater-${study.rater}.json`;
  byId("text").value = text;
  show("end");
  save.focus();
}

// SHA-256 (FIPS 180-4) of text: crypto.subtle is not there for pages from disk in every browser.
function sha256(text) {
  const rotate = (value, by) => (value >>> by) | (value << (32 - by));
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime)) primes.push(n);
  const digits = (root) => primes.map((prime) => (Math.pow(prime, root) % 1) * 4294967296 | 0);
  const [constants, hash] = [digits(1 / 3), digits(1 / 2).slice(0, 8)];
  const bytes = [...new TextEncoder().encode(text)];
  const bits = bytes.length * 8;
  bytes.push(0x80);
  while (bytes.length % 64 !== 56) bytes.push(0);
  for (let place = 7; place >= 0; place -= 1) bytes.push(Math.floor(bits / 2 ** (8 * place)) & 255);
  for (let start = 0; start < bytes.length; start += 64) {
    const words = [];
    for (let n = 0; n < 64; n += 1) {
      if (n < 16) {
        const at = start + 4 * n;
        words.push((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
      } else {
        const [early, late] = [words[n - 15], words[n - 2]];
        words.push((words[n - 16] + words[n - 7] + (rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3)) + (rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10))) | 0);
      }
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let n = 0; n < 64; n += 1) {
      const one = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constants[n] + words[n]) | 0;
      const two = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((value, place) => { hash[place] = (hash[place] + value) | 0; });
  }
  return hash.map((value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
}

if (state && state.answers.length === study.trials.length) finish();
else welcome();
