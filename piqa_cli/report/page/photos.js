"use strict";
// What Python wrote into the report: columns of equal length, one entry a photo. A photo is its index.
const Photos = (() => {
  const text = (id) => JSON.parse(document.getElementById(id).textContent || "null");
  const data = text("piqa-data");
  const images = text("piqa-images");
  const columns = data?.photos ?? {};
  const threshold = data?.defect_threshold ?? 0.3;
  const defects = data?.defects ?? [];

  const get = (i, column) => columns[column]?.[i] ?? null;
  const has = (column) => columns[column]?.some((value) => value !== null) ?? false;
  const words = (defect) => data.defect_words?.[defect] ?? defect.replaceAll("_", " ");

  function picture(kind, i) {
    if (images) {
      const encoded = images[kind]?.[i];
      return encoded ? `data:${images.type};base64,${encoded}` : null;
    }
    const there = kind === "thumbs" ? get(i, "thumb_w") : get(i, "face_crop");
    return there && data.assets ? `${data.assets}${kind}/${String(i).padStart(6, "0")}.${data.thumb_ext ?? "jpg"}` : null;
  }

  // A relative address that Python made; anything that leads to another scheme (javascript:) is no photo.
  function original(i) {
    const href = get(i, "href");
    if (!href || get(i, "viewable") === false) return null;
    try {
      const url = new URL(href, document.baseURI);
      return ["file:", "http:", "https:"].includes(url.protocol) && url.protocol === location.protocol ? url.href : null;
    } catch {
      return null;
    }
  }

  const sized = (i) => Boolean(get(i, "width") && get(i, "height"));

  // In pixels of the photo; where those are not known, only the shape counts.
  function size(i) {
    return sized(i) ? [get(i, "width"), get(i, "height")] : [get(i, "thumb_w") ?? 3, get(i, "thumb_h") ?? 2];
  }

  function mainFace(i) {
    const box = ["face_x1", "face_y1", "face_x2", "face_y2"].map((name) => get(i, name));
    if (box.includes(null)) return [];
    const severities = Object.fromEntries(defects.map((d) => [d, get(i, `face_${d}`)]));
    return [{ box, confidence: get(i, "face_confidence"), score: get(i, "face_score"), defects: severities,
      eyes_open: get(i, "eyes_open"), roll: get(i, "face_roll"), pose: get(i, "face_pose"), cut: get(i, "face_cut") }];
  }

  // The list of all faces where the table has one; what it leaves open of the main face is in the table's columns.
  function faces(i) {
    const [main] = mainFace(i);
    const list = get(i, "faces") ?? (main ? [main] : []);
    return list.map((face, k) => (k || !main ? face : { ...face, score: face.score ?? main.score, defects: face.defects ?? main.defects }));
  }

  // Folders by the part of their paths in which they differ: what all of them begin with says nothing.
  const slash = columns.folder?.some((folder) => folder.includes("/")) ? "/" : "\\";
  const ways = [...new Set(columns.folder)].map((folder) => folder.split(slash));
  const shared = ways.length ? ways[0].findIndex((part, k) => ways.some((way) => k === way.length - 1 || way[k] !== part)) : 0;
  const folder = (path) => path.split(slash).slice(shared).join(slash) || path;

  const severity = (i, defect) => Math.max(get(i, `photo_${defect}`) ?? 0, get(i, `face_${defect}`) ?? 0);
  const suggested = (i) => {
    const stars = get(i, "stars");
    return stars === null ? null : Math.max(0, stars); // a table of `piqa rank` has -1 for rejects
  };
  const reasons = (i) => (get(i, "reasons") ?? "").split("; ").filter(Boolean);
  // What is plain, and what the reasons name: a low score has its likeliest one, however faint.
  const found = (i) => {
    const named = reasons(i).map((reason) => reason.split(": ").at(-1));
    return defects.filter((defect) => severity(i, defect) >= threshold || named.includes(words(defect)));
  };

  function group(i) {
    const index = get(i, "group");
    return index === null ? null : data.groups[index];
  }

  const members = (i) => {
    const index = get(i, "group");
    return index === null ? [i] : [...columns.group.keys()].filter((k) => columns.group[k] === index);
  };

  return { data, count: data?.count ?? 0, defects, threshold, get, has, words, folder, sized, size, faces, severity, found, suggested, reasons,
    group, members, original, thumb: (i) => picture("thumbs", i), face: (i) => picture("faces", i),
    name: (i) => get(i, "name") ?? get(i, "path") ?? "?", score: (i) => get(i, "score") };
})();
