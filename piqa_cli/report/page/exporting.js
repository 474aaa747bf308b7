"use strict";
const Exporting = (() => {
  const dialog = Dom.byId("export-dialog");
  const NAMINGS = [["adobe", "IMG_1.xmp (Lightroom, Bridge, Capture One)"], ["darktable", "IMG_1.JPG.xmp (darktable, digiKam)"], ["both", "both"]];

  const naming = Dom.make("select", { id: "naming" }, ...NAMINGS.map(([value, text]) => Dom.make("option", { value, text })));
  const embed = Dom.make("input", { type: "checkbox" });
  const overwrite = Dom.make("input", { type: "checkbox", checked: true }); // chosen by hand, here
  const count = Dom.make("p");
  const command = Dom.make("code", { text: "piqa rank --plan piqa-plan.json --apply" });

  const asJson = Dom.button("Save the plan", { class: "tool strong", onclick: () => {
    Plan.download(Plan.json({ naming: naming.value, embed: embed.checked, overwrite: overwrite.checked }), "application/json", "piqa-plan.json");
  } });
  const asCsv = Dom.button("Save as CSV", { onclick: () => Plan.download(Plan.csv(), "text/csv", "piqa-choices.csv") });

  function build() {
    dialog.append(Dom.make("h2", { text: "Export the marks" }), count,
      Dom.make("label", { class: "row" }, "Sidecar name", naming),
      Dom.make("label", { class: "row" }, embed, "Write into the photos themselves where the format allows it"),
      Dom.make("label", { class: "row" }, overwrite, "Replace the ratings that these photos have already"),
      Dom.make("p", { class: "muted" }, "The plan is carried out by ", command, "; without --apply it is only shown. The CSV holds the same marks for a spreadsheet; it leaves ratings by hand alone."),
      Dom.make("div", { class: "row buttons" }, asJson, asCsv, Dom.button("Close", { onclick: () => dialog.close() })));
  }

  function open() {
    if (!dialog.childNodes.length) build();
    const all = Choices.all();
    const plan = Plan.exportable().length;
    const left = all.length > plan ? ` ${Format.plural(all.length - plan, "photo")} cannot be part of the plan: the report does not know where they are.` : "";
    count.textContent = all.length ? `${Format.plural(all.length, "photo")} with marks.${left}` : "Nothing is marked yet: give stars with 1 to 5, pick with P, reject with X.";
    asJson.disabled = !plan;
    asCsv.disabled = !plan;
    dialog.showModal();
  }

  return { open };
})();
