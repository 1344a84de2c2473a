// The list of letters keeps itself up to date: every two seconds it asks whether
// anything came, and then fetches itself. Without this script the page
// reloads, by its <meta http-equiv="refresh">.
"use strict";

const pause = 2000;
const news = document.getElementById("news");

async function look() {
  const letters = document.getElementById("letters");
  const version = await (await fetch("version")).text();
  if (version === letters.dataset.version) return;

  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const next = page.getElementById("letters");
  if (!next) return;
  let came = 0;
  for (const link of next.querySelectorAll("ol.letters a")) {
    if (!document.getElementById(link.id)) {
      link.classList.add("new");
      came++;
    }
  }
  const focused = letters.contains(document.activeElement) ? document.activeElement.id : "";
  letters.replaceWith(document.adoptNode(next));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (came) news.textContent = came === 1 ? "A new letter" : came + " new letters";
}

async function keepLooking() {
  try {
    if (!document.hidden) await look();
  } catch {
    // The server is away. If it comes back, so do we.
  }
  setTimeout(keepLooking, pause);
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) look().catch(() => {}); });
setTimeout(keepLooking, pause);
