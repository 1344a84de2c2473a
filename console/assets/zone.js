// The form asks for the reader's time zone, which browsers know and do not say. Where
// nothing was chosen, the page is asked for once more with the zone, so that it shows
// the time on the reader's clock too. Without this script one chooses it oneself.
(() => {
  const select = document.getElementById("zone");
  const here = new URL(location.href);
  if (!select || select.value || here.searchParams.has("zone")) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || zone === select.dataset.event) return;
  here.searchParams.set("zone", zone);
  location.replace(here);
})();
