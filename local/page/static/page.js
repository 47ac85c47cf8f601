// Send samples, and show what the stack says of itself. Values are only ever set as text.
"use strict";

const POLL_MILLISECONDS = 500;
const status = document.getElementById("status");
const shown = new Map(); // custom id → { article, profile }
let revision = "";
let awaited = null; // what was sent last: { id, name }

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function say(text, kind = "") {
  status.textContent = text;
  status.className = kind;
}

async function call(method, path, content) {
  const answer = await fetch(path, {
    method,
    headers: content ? { "content-type": "application/json" } : {},
    body: content ? JSON.stringify(content) : undefined,
  });
  return answer.status === 204 ? null : answer.json();
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

// ── Sending ──────────────────────────────────────────────────────────────────────────────────────────────

function nameOf(button) {
  const plain = button.closest("li").querySelector(".sample");
  const variant = button === plain ? "" : ` (${button.textContent.trim()})`;
  return plain.textContent.trim().replace(/\s+/g, " ") + variant;
}

function afterWhat(files) {
  const names = files.map((file) => nameOf(document.querySelector(`[data-sample="${CSS.escape(file)}"]`)));
  return names.length ? `, after ${names.join(" and ")}` : "";
}

async function send(button) {
  button.disabled = true;
  try {
    const sent = await call("POST", "/_local/samples", { file: button.dataset.sample });
    report(sent, nameOf(button) + afterWhat(sent.first ?? []));
  } catch {
    say("The stack does not answer. Is it still running?", "bad");
  } finally {
    button.disabled = false;
    refresh();
  }
}

function report(sent, name) {
  const answer = sent.answer ?? {};
  awaited = null;
  if (answer.status !== "accepted") {
    const why = answer.error ?? answer.reason ?? answer.message ?? sent.error ?? "";
    say(`${name}: ${answer.status ?? `refused (${sent.status})`}. ${why}`, "bad");
  } else if (sent.repeat) {
    say(`${name}: accepted as ${answer.id}, and recognised as a repeat: already delivered, no second event.`, "good");
  } else {
    awaited = { id: answer.id, name };
    say(`${name}: accepted as ${answer.id}. Delivering…`);
  }
}

function follow(receipts) {
  const receipt = receipts.find((one) => one.id === awaited?.id);
  if (!receipt) return;
  const { id, name } = awaited;
  if (receipt.status === "delivered") {
    const counts = [plural(receipt.events.length, "event"), plural(receipt.attributes.length, "attribute")];
    say(`${name}: accepted as ${id}, delivered to Batch with ${counts.join(" and ")}.`, "good");
    awaited = null;
  } else {
    say(`${name}: ${receipt.status}. ${receipt.reason}`, receipt.status === "ignored" ? "" : "bad");
  }
}

// ── Profiles ─────────────────────────────────────────────────────────────────────────────────────────────

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function readable(value) {
  if (Array.isArray(value)) return value.map(readable).join(value.some(isObject) ? "\n" : ", ");
  if (isObject(value)) return Object.entries(value).map(([name, one]) => `${name} ${readable(one)}`).join(" · ");
  return String(value);
}

function pairs(list, attributes, before) {
  list.replaceChildren(
    ...Object.entries(attributes).map(([name, value]) => {
      const pair = element("div", "pair");
      pair.append(element("dt", "", name), element("dd", "", readable(value)));
      if (isObject(value) || (Array.isArray(value) && value.some(isObject))) pair.classList.add("wide");
      if (before && readable(before[name]) !== readable(value)) pair.classList.add("fresh");
      return pair;
    }),
  );
}

function titleOf(profile) {
  const { first_name: first, last_name: last, $email_address: email } = profile.attributes;
  return [first, last].filter(Boolean).join(" ") || email || `Profile ${profile.custom_id.slice(0, 12)}…`;
}

function eventItem(event, isNew) {
  const item = element("li");
  const details = element("details");
  const summary = element("summary", isNew ? "fresh" : "", event.name);
  const attributes = event.attributes ?? {};
  const facts = [attributes.amount !== undefined ? `${attributes.amount} ${attributes.currency ?? ""}` : "",
    (event.time ?? attributes["date(occurred_at)"] ?? "").replace("T", " ").replace(/(\.\d+)?Z$/, "")];
  summary.append(element("span", "", facts.filter(Boolean).join(" · ")));
  const list = element("dl", "attributes");
  pairs(list, attributes);
  details.append(summary, list);
  item.append(details);
  return item;
}

function showProfile(profile) {
  const known = shown.get(profile.custom_id);
  if (known && known.profile.updated_at === profile.updated_at) return known.article;
  const article = known?.article
    ?? document.getElementById("profile-template").content.firstElementChild.cloneNode(true);
  article.dataset.profile = profile.custom_id;
  article.querySelector("h3").textContent = titleOf(profile);
  article.querySelector(".id code").textContent = profile.custom_id;
  pairs(article.querySelector(".attributes"), profile.attributes, known ? known.profile.attributes : {});
  const before = known ? known.profile.events.length : 0;
  const events = profile.events.map((event, position) => eventItem(event, position >= before));
  article.querySelector("h4").hidden = events.length === 0;
  article.querySelector(".events").replaceChildren(...events.reverse());
  shown.set(profile.custom_id, { article, profile });
  return article;
}

function showProfiles(profiles) {
  const kept = new Set(profiles.map((profile) => profile.custom_id));
  for (const id of shown.keys()) if (!kept.has(id)) shown.delete(id);
  fill("profiles", profiles.map(showProfile));
}

// ── Receipts and failures ────────────────────────────────────────────────────────────────────────────────

function receiptItem(receipt) {
  const item = element("li");
  item.dataset.receipt = receipt.id;
  const about = element("div", "about", `${receipt.source} ${receipt.topic}`);
  if (receipt.events.length) about.append(element("small", "", `→ ${receipt.events.join(", ")}`));
  if (receipt.reason) about.append(element("small", "", receipt.reason));
  for (const warning of receipt.warnings) about.append(element("small", "warning", warning));
  const time = element("time", "", new Date(receipt.received_at).toLocaleTimeString());
  time.dateTime = receipt.received_at;
  item.append(element("span", `badge ${receipt.status}`, receipt.status), about, time);
  return item;
}

function failureItem(failure) {
  const article = document.getElementById("failure-template").content.firstElementChild.cloneNode(true);
  article.dataset.failure = failure.id;
  article.querySelector("h3").textContent = `${failure.source} ${failure.topic}`;
  article.querySelector(".reason").textContent = `${failure.class}: ${failure.reason}`;
  const remedy = document.querySelector(`#remedies [data-class="${failure.class}"]`);
  article.querySelector(".remedy").textContent = remedy ? remedy.textContent : "";
  const times = failure.retries ? `, retried ${plural(failure.retries, "time")}` : "";
  article.querySelector(".id code").textContent = failure.id;
  article.querySelector(".id").append(` parked ${new Date(failure.failed_at).toLocaleTimeString()}${times}`);
  article.querySelector("button").addEventListener("click", () => retry({ id: failure.id }));
  return article;
}

async function retry(filter) {
  say("Retrying…");
  try {
    const answer = await call("POST", "/_local/retry", filter);
    if (answer.error) throw new Error(answer.error);
    say(`Retried ${plural(answer.retried, "webhook")}.`, "good");
  } catch {
    say("The retry failed: see the log of RetryFunction.", "bad");
  }
  refresh();
}

function at(moment) {
  return new Date(moment).toLocaleString();
}

function showConnections(known) {
  for (const card of document.querySelectorAll(".source")) {
    const one = known[card.dataset.source];
    const problems = one ? [...one.findings] : [];
    if (one?.inactive_since) problems.push(`uninstalled at ${at(one.inactive_since)}`);
    if (one?.refusal) problems.push(`refused at ${at(one.refused_at)}: ${one.refusal}`);
    const note = card.querySelector("[data-problems]");
    note.hidden = problems.length === 0;
    note.textContent = problems.join(", ");
    const seen = card.querySelector("[data-seen]");
    seen.textContent = one?.last_seen ? at(one.last_seen) : "none yet";
    const older = card.querySelector("[data-older]");
    older.hidden = !one?.older_secret_at;
    older.textContent = one?.older_secret_at ? `an older secret was last used ${at(one.older_secret_at)}` : "";
  }
}

// ── Searching ────────────────────────────────────────────────────────────────────────────────────────────

const search = document.getElementById("search");
const folds = [...document.querySelectorAll("aside details")];
let openBefore = null; // the folds that were open before a search

function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function has(text, words) {
  const searched = folded(text);
  return words.every((word) => searched.includes(word));
}

function searchCard(card, words) {
  const about = `${card.dataset.source} ${card.querySelector("h3").textContent} ${card.querySelector(".connection code").textContent}`;
  const buttons = [...card.querySelectorAll(".sample")];
  for (const button of buttons) {
    const file = button.dataset.sample.split("/").pop().replace(".json", "");
    button.hidden = !has(`${about} ${nameOf(button)} ${file}`, words);
  }
  const found = buttons.filter((button) => !button.hidden).length;
  for (const part of card.querySelectorAll(".variants, .samples li")) {
    part.hidden = !part.querySelector(".sample:not([hidden])");
    if (part.matches("li")) part.querySelector(".sample").hidden = part.hidden; // says what its variants are of
  }
  card.hidden = !found && !has(about, words);
  const all = plural(buttons.length, "sample");
  card.querySelector(".count").textContent = words.length ? `${found} of ${all}` : all;
  return found;
}

function unfold(isSearching) {
  if (isSearching) {
    openBefore ??= folds.filter((fold) => fold.open);
    for (const fold of folds) fold.open = true;
  } else if (openBefore) {
    for (const fold of folds) fold.open = openBefore.includes(fold);
    openBefore = null;
  }
}

function searchAll() {
  const words = folded(search.value).split(/\s+/).filter(Boolean);
  const cards = [...document.querySelectorAll(".source")];
  const samples = cards.map((card) => searchCard(card, words)).reduce((sum, count) => sum + count, 0);
  document.body.classList.toggle("searching", words.length > 0);
  document.getElementById("no-sample").hidden = cards.some((card) => !card.hidden);
  const profiles = [...document.querySelectorAll("[data-profile]")];
  for (const profile of profiles) profile.hidden = !has(profile.textContent, words);
  const found = profiles.filter((profile) => !profile.hidden).length;
  document.getElementById("no-profile").hidden = !profiles.length || found > 0;
  document.querySelector('[data-count="profiles"]').textContent =
    words.length && profiles.length ? `${found} of ${profiles.length}` : profiles.length || "";
  const told = words.length ? `${plural(samples, "sample")}, ${plural(found, "profile")}` : "";
  const note = document.getElementById("found");
  if (note.textContent !== told) note.textContent = told;
}

// ── Keeping up ───────────────────────────────────────────────────────────────────────────────────────────

function fill(name, items) {
  const section = document.getElementById(name);
  const list = section.querySelector(".list");
  const same = list.children.length === items.length && items.every((item, place) => list.children[place] === item);
  if (!same) list.replaceChildren(...items);
  const empty = section.querySelector(".empty");
  if (empty) empty.hidden = items.length > 0;
  document.querySelector(`[data-count="${name}"]`).textContent = items.length || "";
}

async function refresh() {
  const state = await call("GET", `/_local/state?revision=${encodeURIComponent(revision)}`);
  if (state === null) return;
  revision = state.revision;
  showProfiles(state.profiles);
  searchAll();
  fill("receipts", state.receipts.map(receiptItem));
  fill("failures", state.failures.map(failureItem));
  document.getElementById("failures").hidden = state.failures.length === 0;
  showConnections(state.connections);
  follow(state.receipts);
}

async function keepUp() {
  if (!document.hidden) {
    try {
      await refresh();
    } catch {
      say("The stack does not answer. Is it still running?", "bad");
    }
  }
  setTimeout(keepUp, POLL_MILLISECONDS);
}

// ── What can be pressed ──────────────────────────────────────────────────────────────────────────────────

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function reveal(button) {
  const code = button.parentElement.querySelector("[data-secret]");
  const isShown = button.getAttribute("aria-pressed") === "true";
  code.textContent = isShown ? "••••••••••••" : code.dataset.secret;
  button.setAttribute("aria-pressed", String(!isShown));
  button.textContent = isShown ? "Show" : "Hide";
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.sample) send(button);
  if (button.dataset.copy) copy(button);
  if ("reveal" in button.dataset) reveal(button);
});
document.getElementById("retry-all").addEventListener("click", () => retry({}));
document.getElementById("forget").addEventListener("click", async () => {
  await call("POST", "/_local/forget");
  say("Deleted: profiles, receipts and queues are empty. You can send the same samples again.", "good");
  refresh();
});
search.addEventListener("input", () => {
  unfold(search.value.trim() !== "");
  searchAll();
});
keepUp();
