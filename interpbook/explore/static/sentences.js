// The sentence of a view, put together as in interpbook.explore.sentences. Phrases come with the figure's data; facts,
// which a view returns, are pairs [name of a phrase, values of its fields].

function sentence(phrases, facts) {
  return facts.map(function (fact) {
    return fill(phrases, fact[0], fact[1]);
  }).join("");
}

function fill(phrases, name, values) {
  if (!(name in phrases)) {
    throw new Error("there is no phrase " + name);
  }
  return phrases[name].replace(/\{(\w+)(?::([\w.]+))?\}/g, function (_, field, form) {
    if (!(field in values)) {
      throw new Error("phrase " + name + " has no value for " + field);
    }
    return form ? formats[form](values[field]) : String(values[field]);
  });
}

var formats = {
  "z.2f": function (value) {
    return fixed(value, 2);
  },
  percent: function (share) {
    return fixed(100 * share, 0) + "%";
  },
  // Two significant digits without an exponent, and at most eight decimals.
  significant: function (value) {
    var exponent = Number(value.toExponential().split("e")[1]);
    return fixed(value, value ? Math.min(8, Math.max(0, 1 - exponent)) : 0);
  },
};

// Rounded to some decimals, halves away from zero, and with no sign before a zero.
function fixed(value, decimals) {
  return value.toFixed(decimals).replace(/^-(?=[0.]*$)/, "");
}
