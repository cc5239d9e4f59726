// Says hello and ends with the status given.
console.log(JSON.stringify({ hello: process.argv.slice(3), version: process.version }));
console.error('hello, console');
process.exitCode = Number(process.argv[2]);
