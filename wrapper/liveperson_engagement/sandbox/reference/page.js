// Shows the OpenAPI document beside this page with Redoc, which leaves out three things that a contract can say:
// operationIds, the links of answers, and the retry policy. They are put into the descriptions.
"use strict";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const FONT = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
const OPTIONS = {
  expandResponses: "200",
  jsonSamplesExpandLevel: "all",
  nativeScrollbars: true,
  schemasExpansionLevel: 1,
  theme: { typography: { fontFamily: FONT, headings: { fontFamily: FONT } } },
};

function resolved(document, node) {
  const follow = (part, key) => part[key.replaceAll("~1", "/").replaceAll("~0", "~")];
  return node.$ref ? node.$ref.slice(2).split("/").reduce(follow, document) : node;
}

function code(value) {
  const text = JSON.stringify(value, null, 2).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<pre><code>${text}</code></pre>`;
}

function linked(link) {
  const { description, operationId, parameters, requestBody } = link;
  const values = code({ parameters, requestBody });
  return `<details><summary>${description} <code>${operationId}</code></summary>${values}</details>`;
}

function described(document, operation) {
  const parts = [`Operation \`${operation.operationId}\`.`, operation.description ?? ""];
  if (operation["x-retry-policy"]) {
    parts.push("Tried again as the [retry policy](#section/Retry-policy) says.");
  }
  for (const response of Object.values(operation.responses)) {
    const links = Object.values(resolved(document, response).links ?? {});
    if (links.length) {
      parts.push("**What may follow the answer, and which of its values go where:**", links.map(linked).join("\n"));
    }
  }
  return parts.join("\n\n");
}

function policies(document) {
  return Object.values(document["x-retry-policies"] ?? {}).map(
    ({ description, ...numbers }) => `# Retry policy\n\n${description}\n\n${code(numbers)}`,
  );
}

async function show() {
  const response = await fetch("openapi.json");
  const document = await response.json();
  const note = response.headers.get("x-sandbox-note") ?? "";
  document.info.description = [note, document.info.description, ...policies(document)].join("\n\n");
  for (const item of Object.values(document.paths)) {
    for (const operation of METHODS.map((method) => item[method]).filter(Boolean)) {
      operation.description = described(document, operation);
    }
  }
  window.document.title = document.info.title;
  Redoc.init(document, OPTIONS, window.document.getElementById("reference"));
}

show();
