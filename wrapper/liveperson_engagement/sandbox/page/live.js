// Shows what arrives at the sandbox, by asking for what is new. Whatever a client has sent becomes text, never markup.
"use strict";

const PAUSE = 500;
const NEWEST = 500;
const at = (id) => document.getElementById(id);
const say = (id, text) => {
  if (at(id).textContent !== String(text)) at(id).textContent = text; // what does not change is not announced again
};
const many = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const short = (id) => (id.length > 14 ? `${id.slice(0, 10)}…` : id);
const failed = (request) => request.status === null || request.status >= 500;
const refused = (request) => failed(request) || request.status >= 400;

let run, after, only, wake;
let unanswered = []; // failed requests, oldest first, that no later one has tried again
let latest = new Map(); // of each visitor, the request before

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The failed request that this one tries again: the same visitor's, or one whose answer named the visitor.
function tried(request) {
  const same = ({ named, operation, target, body, answer }) =>
    named || !request.named
      ? named === request.named && operation === request.operation && target === request.target && body === request.body
      : answer.includes(request.named);
  const place = unanswered.findIndex(same);
  return place < 0 ? undefined : unanswered.splice(place, 1)[0];
}

function since(request) {
  const before = tried(request);
  const previous = before ?? latest.get(request.visitor);
  request.attempt = before ? before.attempt + 1 : 1;
  if (failed(request)) unanswered = [...unanswered, request].slice(-NEWEST);
  if (request.visitor) latest.set(request.visitor, request);
  if (!previous) return "";
  const seconds = request.at - previous.at;
  const pause = seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
  return before ? `↻ attempt ${request.attempt}, after ${pause}` : `+${pause}`;
}

function part(title, text) {
  return text ? [make("h4", {}, title), make("pre", { tabindex: 0 }, text)] : [];
}

function row(request, now) {
  const time = new Date(Date.now() - (now - request.at) * 1000);
  const kind = failed(request) ? "bad" : refused(request) ? "poor" : "good";
  const again = since(request);
  const summary = make(
    "summary",
    {},
    make("time", { datetime: time.toISOString() }, `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, "0")}`),
    make("span", { class: "method" }, request.method),
    make("span", { class: "name" }, request.operation ?? request.target),
    make("span", { class: "who", title: request.visitor ?? "" }, request.visitor ? short(String(request.visitor)) : ""),
    make("span", { class: request.attempt > 1 ? "pause again" : "pause" }, again),
    make("span", { class: `status ${kind}` }, String(request.status ?? "dropped")),
  );
  if (refused(request) && request.message) summary.append(make("span", { class: "message" }, String(request.message)));
  const details = make("details", {}, summary);
  const fill = () =>
    details.append(
      make("p", { class: "line" }, make("code", {}, `${request.method} ${request.target}`)),
      ...part("Body", request.body),
      ...part("Answer", request.answer),
      ...part("Headers", request.headers),
    );
  details.addEventListener("toggle", fill, { once: true });
  const item = make("li", { class: kind }, details);
  item.dataset.visitor = request.visitor ?? "";
  item.hidden = only !== undefined && only !== item.dataset.visitor;
  return item;
}

function session({ session_id: id, ended, updates, attributes, impressions }) {
  const kinds = [...attributes, ...impressions].map((each) => String(each?.type));
  const counted = [...new Set(kinds)].map((kind) => [kind, kinds.filter((each) => each === kind).length]);
  return make(
    "li",
    {},
    make("span", { class: "id", title: id }, short(id)),
    make("span", { class: ended ? "status poor" : "status good" }, ended ? "ended" : "active"),
    make("span", { class: "muted" }, updates.length ? many(updates.length, "update") : ""),
    ...counted.map(([kind, count]) => make("span", { class: "tag" }, count > 1 ? `${kind} ×${count}` : kind)),
  );
}

function visitor({ visitor_id: id, account_id: account, sessions }) {
  const button = make("button", { type: "button", class: "id", title: id, "aria-pressed": only === id }, short(id));
  button.dataset.visitor = id;
  button.append(make("span", { class: "unseen" }, ": show only these requests"));
  const ended = sessions.length ? "" : "no session yet";
  const head = make("div", {}, button, make("span", { class: "muted" }, `account ${account}`), make("span", { class: "muted" }, ended));
  return make("li", {}, head, make("ul", {}, ...sessions.map(session).reverse()));
}

function filter(id) {
  only = id;
  at("all").hidden = only === undefined;
  for (const item of at("requests").children) item.hidden = only !== undefined && only !== item.dataset.visitor;
  for (const each of document.querySelectorAll("#visitors [aria-pressed]")) each.setAttribute("aria-pressed", each.dataset.visitor === only);
}

function showRequests(news) {
  const first = run !== news.run;
  if (first) {
    [run, unanswered, latest] = [news.run, [], new Map()];
    at("requests").replaceChildren();
    filter(undefined);
  }
  after = news.after;
  const rows = news.requests.map((request) => row(request, news.now)).reverse();
  at("requests").prepend(...rows);
  while (at("requests").children.length > NEWEST) at("requests").lastChild.remove();
  const count = Number(after.split("-")[1]);
  const marked = document.querySelectorAll("#requests > .bad, #requests > .poor").length;
  at("requests").hidden = !count;
  at("empty").hidden = count > 0;
  say("count", [count > NEWEST ? `${count}, the newest ${NEWEST} shown` : count, marked && `${marked} failed`].filter(Boolean).join(" · "));
  if (rows.length && !first) say("news", `${many(rows.length, "new request")}, ${news.requests.filter(refused).length} failed`);
}

let visitors = "";
function showVisitors(news) {
  if (visitors === JSON.stringify(news.visitors)) return;
  visitors = JSON.stringify(news.visitors);
  const focused = document.activeElement?.dataset.visitor;
  at("visitors").replaceChildren(...news.visitors.map(visitor).reverse());
  [...document.querySelectorAll("#visitors button")].find((each) => each.dataset.visitor === focused)?.focus();
  at("visitors").hidden = !news.total;
  at("nobody").hidden = news.total > 0;
  say("known", news.total || "");
}

function show(news) {
  showRequests(news);
  showVisitors(news);
  say("planned", news.planned ? `${many(news.planned, "instruction")} waiting` : "");
  for (const name of ["available", "not_available"]) {
    document.querySelector(`[data-call=${name}]`).setAttribute("aria-pressed", news.available === (name === "available"));
  }
  if (at("operation").options.length === 1) at("operation").append(...news.operations.map((name) => make("option", {}, name)));
}

async function watch() {
  for (;;) {
    if (!document.hidden) {
      try {
        const response = await fetch(`sandbox/live?after=${after ?? ""}`, { cache: "no-store" });
        show(await response.json());
        say("state", "Live");
        at("state").className = "state live";
      } catch {
        say("state", "No answer: has the sandbox stopped?");
        at("state").className = "state gone";
      }
    }
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, PAUSE);
    });
  }
}

function given(button) {
  const values = (button.dataset.with ?? "").split(" ").filter((name) => name && at(name).value);
  return Object.fromEntries(values.map((name) => [name, name === "operation" ? at(name).value : Number(at(name).value)]));
}

function shell(button) {
  const body = JSON.stringify(given(button));
  say("shell", `curl ${body === "{}" ? "--request POST" : `--json '${body}'`} ${location.origin}/sandbox/${button.dataset.call}`);
}

async function call(button) {
  const name = button.dataset.call;
  try {
    const response = await fetch(`sandbox/${name}`, { method: "POST", body: JSON.stringify(given(button)) });
    at("done").className = response.ok ? "done muted" : "done wrong";
    say("done", response.ok ? `${button.textContent}: done` : (await response.json()).error);
  } catch {
    at("done").className = "done wrong";
    say("done", "No answer: has the sandbox stopped?");
  }
  wake?.();
}

say("url", location.origin);
say("python", `EngagementClient("demo", base_url="${location.origin}")`);
say("curl", `curl --json '{"appType": "EXTERNAL"}' '${location.origin}/api/account/demo/app/engagement/visitors/?v=1.0'`);
let chosen = document.querySelector("[data-call]");
shell(chosen);
at("controls").addEventListener("input", () => shell(chosen));
at("controls").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("focusin", ({ target }) => target.dataset.call && shell((chosen = target)));
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  if (button.dataset.call) {
    shell((chosen = button));
    await call(button);
  } else if (button.dataset.copy) {
    await navigator.clipboard.writeText(at(button.dataset.copy).textContent);
    button.firstChild.textContent = "Copied";
    setTimeout(() => (button.firstChild.textContent = "Copy"), 1500);
  } else {
    filter(button.dataset.visitor === only ? undefined : button.dataset.visitor);
  }
});
document.addEventListener("visibilitychange", () => wake?.());
watch();
