// SPDX-License-Identifier: Apache-2.0
/* An agency's own script: it hears how far the flow has come, and nothing of the token. */
const unlock = document.querySelector("mokhoa-unlock");
const heard = document.getElementById("heard");

unlock.lang = new URLSearchParams(location.search).get("lang") === "en" ? "en" : "vi";

for (const type of ["state", "done", "error"])
  unlock.addEventListener(type, ({ detail }) => {
    const line = document.createElement("li");
    line.textContent = `${type}: ${detail.state ?? detail.result ?? detail.name}`;
    heard.append(line);
  });
