// Never ends.
console.log('{"about":"to spin"}');
for (;;);
