// The identity provider's answer stands behind the # of the address, where servers do not see it. It is taken out of the
// address, so that the browser's history does not keep it, and sent on as a form. A field may be called "submit"; the
// method is therefore taken from where no field can hide it.
const form = document.getElementById("answer");
const answer = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
for (const [name, value] of answer) {
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = name;
  field.value = value;
  form.append(field);
}
HTMLFormElement.prototype.submit.call(form);
