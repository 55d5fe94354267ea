"""Explanations of some errors of the Salesforce connector beyond their own text, by code."""

NOTES = {
    "salesforce-answer-lost": (
        "Salesforce has no way to repeat a write call safely. Unlost therefore makes each write call "
        "once, and checks for its effect if the answer is lost."
    ),
    "salesforce-callback": (
        "Salesforce compares the callback address of the app with the one of the console, character by "
        "character: http or https, the port, and the slash at the end count. The page of the sign-in "
        "shows the address to copy. Behind a proxy, open the console at its public address."
    ),
    "salesforce-instance-foreign": (
        "The response to a sign-in names the address of the org. Unlost sends the session token only to "
        "the host of the sign-in, to hosts below it, and between domains of Salesforce. A proxy that "
        "stands in for Salesforce must keep the address of the org within its own domain."
    ),
    "salesforce-link-foreign": (
        "Results continue at a link. Unlost follows it only within the API of the org's own host, so "
        "that no answer can lead the session token elsewhere."
    ),
}
