// What somebody would build with Node instead of convened: a job for each reminder
// in pg-boss, a letter that nodemailer makes and sends over connections that stay,
// and an invitation of ical-generator's. Jobs are inserted, fetched and completed in
// batches. It runs in two processes, because one does not fill two processors;
// the first of them inserts the jobs.
import PgBoss from 'pg-boss';
import nodemailer from 'nodemailer';
import ical, { ICalCalendarMethod, ICalAttendeeStatus } from 'ical-generator';
import pg from 'pg';

const number = (name) => Number(process.env[name]);
const letters = number('LETTERS'), connections = number('CONNECTIONS'), due = number('DUE'), size = number('SIZE'), copy = number('COPY');
const [host, port] = process.env.SMTP_ADDR.split(':');
const database = process.env.DATABASE_URL;
const queue = 'reminder', batch = 100;
const starts = new Date(due + 2 * 3600_000), ends = new Date(due + 3 * 3600_000);

const transport = nodemailer.createTransport({ host, port: Number(port), secure: false, ignoreTLS: true, pool: true, maxConnections: connections, maxMessages: Infinity });
const db = new pg.Pool({ connectionString: database, max: 8 });
// One that works for a burst switches off what wakes up seldom.
const boss = new PgBoss({ connectionString: database, max: 8, supervise: false, schedule: false });
boss.on('error', (err) => { console.error(err); process.exit(1); });

let filler = '';
const html = (s) => s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function compose(p) {
  const calendar = ical({ method: ICalCalendarMethod.REQUEST });
  calendar.createEvent({
    id: p.uid, start: starts, end: ends, summary: 'Internationalisation and metropolitan spaces', location: 'Online', url: 'https://example.org/join',
    organizer: { name: 'Metropolis', email: 'events@example.org' }, attendees: [{ email: p.email, name: p.name, status: ICalAttendeeStatus.ACCEPTED }],
  });
  const event = calendar.toString();
  const cancel = `https://events.example.org/r/${p.uid}/cancel`, stop = `https://events.example.org/u/${p.uid}`;
  return {
    from: { name: 'Metropolis', address: 'events@example.org' }, to: { name: p.name, address: p.email },
    subject: 'Reminder: Internationalisation and metropolitan spaces', messageId: `<reminder.${p.id}@example.org>`,
    headers: { 'List-Unsubscribe': `<${stop}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click', 'Auto-Submitted': 'auto-generated' },
    text: `Reminder: Internationalisation and metropolitan spaces\n\nHello ${p.name},\n\nThe event that you registered for starts soon: ${starts.toUTCString()}.\n\nJoin: https://example.org/join\nCancel: ${cancel}\nStop the reminders: ${stop}\n\n${filler}`,
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Internationalisation and metropolitan spaces</title></head><body>\n<h1>Internationalisation and metropolitan spaces</h1><p>Hello ${html(p.name)},</p><p>The event that you registered for starts soon: ${starts.toUTCString()}.</p>\n<p><a href="https://example.org/join">Join</a></p><p><a href="${cancel}">Cancel</a> <a href="${stop}">Stop the reminders</a></p></body></html>`,
    icalEvent: { method: 'REQUEST', filename: 'invite.ics', content: event },
  };
}

// As large as the others' letters.
const draft = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
const { message } = await draft.sendMail(compose({ id: 1, email: 'person1@example.net', name: 'Zoë Person 1', uid: '00000001-6a5e-7c1d-9b40-3f2a1e5d7c86' }));
const line = 'Cities work with partners abroad, and what comes of it shows in streets.\n';
for (let missing = size - message.length; missing > 0; missing -= line.length + 2) filler += line;

await boss.start();
await boss.createQueue(queue).catch(() => {}); // the other one was quicker

let sent = 0;
console.log('ready');
await new Promise((go) => setTimeout(go, due - Date.now()));
if (copy === 0) {
  const { rows } = await db.query('SELECT id, email, name, uid FROM registrations ORDER BY id');
  for (let i = 0; i < rows.length; i += 1000) {
    await boss.insert(rows.slice(i, i + 1000).map((data) => ({ name: queue, data })));
  }
}

// Two loops, so that one batch is sent while the next is fetched and the last completed.
async function work() {
  for (;;) {
    const jobs = await boss.fetch(queue, { batchSize: batch });
    if (jobs.length === 0) {
      const { rows: [{ done }] } = await db.query(`SELECT count(*)::int AS done FROM pgboss.job WHERE name = $1 AND state = 'completed'`, [queue]);
      if (done >= letters) return;
      await new Promise((go) => setTimeout(go, 50));
      continue;
    }
    await Promise.all(jobs.map((job) => transport.sendMail(compose(job.data))));
    await boss.complete(queue, jobs.map((job) => job.id));
    sent += jobs.length;
  }
}
await Promise.all([work(), work()]);
console.log('done');
setInterval(() => {}, 1000); // until it is ended
