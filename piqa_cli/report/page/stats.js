"use strict";
const Stats = (() => {
  const ascending = (values) => Float64Array.from(values).sort();

  // Linear between the neighbours, of an ascending list.
  function quantile(sortedValues, q) {
    const at = (sortedValues.length - 1) * q;
    const low = Math.floor(at);
    const high = Math.ceil(at);
    return sortedValues[low] + (sortedValues[high] - sortedValues[low]) * (at - low);
  }

  function summary(values) {
    if (!values.length) return null;
    const all = ascending(values);
    const [q0, q1, median, q3, q4] = [0, 0.25, 0.5, 0.75, 1].map((q) => quantile(all, q));
    return { n: all.length, min: q0, q1, median, q3, max: q4 };
  }

  function histogram(values, bins, low, high) {
    const counts = new Array(bins).fill(0);
    for (const value of values) counts[Math.min(bins - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * bins)))] += 1;
    return counts;
  }

  function grouped(photos, keyOf, valueOf) {
    const groups = new Map();
    for (const photo of photos) {
      const [key, value] = [keyOf(photo), valueOf(photo)];
      if (key === null || value === null) continue;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(value);
    }
    return groups;
  }

  return { quantile, summary, histogram, grouped };
})();
