// Passkeys: a form names what it wants in data-passkey; the browser asks the person, and the answer travels in its hidden field.
(() => {
  "use strict";
  const parse = { create: (o) => PublicKeyCredential.parseCreationOptionsFromJSON(o), get: (o) => PublicKeyCredential.parseRequestOptionsFromJSON(o) };

  function words(error) {
    if (error.name === "NotAllowedError") return "Nothing was chosen. Try again, or sign in another way.";
    if (error.name === "InvalidStateError") return "This device has a passkey for you already.";
    if (error.name === "SecurityError") return "Passkeys need a secure address: https, or http://localhost.";
    return "This browser did not give a passkey. Try another way to sign in.";
  }
  function options(form) {
    if (form.dataset.options) {
      return fetch(form.dataset.options, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" } })
        .then((reply) => { if (!reply.ok) throw new Error("no options"); return reply.json(); })
        .then((data) => data.request_options.publicKey);
    }
    const data = JSON.parse(document.getElementById("passkey-options").textContent);
    return Promise.resolve((data.creation_options || data.request_options).publicKey);
  }
  async function ask(form) {
    const makes = form.dataset.passkey === "create";
    const wanted = await options(form);
    if (makes) wanted.authenticatorSelection = { ...wanted.authenticatorSelection, residentKey: "required", requireResidentKey: true, userVerification: "required" };
    const publicKey = makes ? parse.create(wanted) : parse.get(wanted);
    const credential = await (makes ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-passkey]")) return;
    event.preventDefault();
    const box = form.querySelector("[data-words]");
    box.parentElement.hidden = true;
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
      box.textContent = "This browser knows no passkeys here. They need a current browser and a secure address.";
      box.parentElement.hidden = false;
      return;
    }
    ask(form).catch((error) => { box.textContent = words(error); box.parentElement.hidden = false; });
  });
})();
