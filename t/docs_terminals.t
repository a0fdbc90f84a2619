#!/usr/bin/perl

# The client that docs/terminals.md shows, as it stands there: it types, it
# is shown bytes, it comes back to the same shell when it is asked to, and it
# stays away behind the end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Open2;

use Test::More;
use Uplink::Fleet;

plan skip_all => 'needs node with WebSocket'
    if `node --experimental-websocket -p 'typeof WebSocket' 2>&1`
        !~ /^function/;

my $t = Uplink::Fleet->new->fleet('uplink_terminal_linger 20s;
    uplink_resume_window 20s; uplink_drain_timeout 4s;', size => '2m')->run;

my $text = $t->read_file("$Uplink::Test::root/docs/terminals.md");
my ($client) = $text =~ /^```js\n(function terminal.*?)^```$/ms
    or die 'no client in docs/terminals.md';

# stdin is the keyboard, and stdout the screen

$t->write_file('client.js', $client . <<'EOJ');
let typed;
process.stdin.on("data", (data) => {
    const text = data.toString();
    const size = text.match(/^size (\d+) (\d+)/);
    if (size) { resized({ cols: +size[1], rows: +size[2] }); return; }
    typed(text);
});
let resized;
process.stdin.on("end", () => process.exit(0));
terminal(process.argv[2], {
    cols: 101, rows: 33,
    write: (data) => process.stdout.write(data),
    onData: (sub) => { typed = sub; },
    onResize: (sub) => { resized = sub; },
});
EOJ

my %features = (features => { map { $_ => JSON::PP::true() }
    'terminal.flow', 'terminal.replay' });

my $sled = $t->sled('alpha', %features);
$sled->tasks;

my $pid = open2(my $screen, my $keyboard, 'node', '--experimental-websocket',
    '--no-warnings', $t->dir . '/client.js',
    'ws://127.0.0.1:' . $t->port . '/term/i?workspace_id=w');
$screen->blocking(0);

my ($seen, $all) = ('', "hello, \xe2\x82\xac\n");

# until the screen shows it; what is asked for meanwhile is repeated

sub seen {
    my ($re, $sled) = @_;

    return $t->wait_for(sub {
        sysread $screen, $seen, 65536, length $seen;
        return 1 if $seen =~ $re;
        $sled->replay('s1', $all) if $sled && $sled->readable;
        return;
    }, 10);
}

my ($open) = $sled->open(undef, 's1');
is($open->{cols}, 101, 'cols');
is($open->{rows}, 33, 'rows');

$sled->show('s1', $all);
ok(seen(qr/\Ahello, \xe2\x82\xac\n\z/), 'shown');

syswrite $keyboard, "ls\n";
is($sled->typed(3), "ls\n", 'typed');
syswrite $keyboard, "size 90 20\n";
is($sled->await('terminal.resize')->{payload}{cols}, 90, 'resized');

# ---- it is asked to come back

$t->reload(wait => 'new');
ok($sled->await('drain'), 'the sled is to come back');
$all .= "meanwhile\n";
my $new = $t->sled('alpha', resume => $sled, %features);
$sled->expect_close(1012, 'and does');
is($new->replay('s1', $all)->{offset}, length("hello, \xe2\x82\xac\n"),
    'from the byte that is next');
ok(seen(qr/meanwhile\n/, $new), 'shown after the reload');
ok($t->wait_for(sub { $t->log =~ /gracefully shutting down/
    && $t->status->{terminals}{browsers} == 1 }, 10), 'one connection');

$all .= "after it\n";
$new->show('s1', "after it\n");
ok(seen(qr/after it\n/, $new), 'it goes on');

syswrite $keyboard, "x";
is($new->typed(1), 'x', 'and types');

$new->say('terminal.exit', session_id => 's1', exit_code => 3);
ok(seen(qr/\[exit 3\]\r\n\z/), 'the end');

(my $plain = $seen) =~ s/\r\n\[[^]]*\]\r\n//g;
is($plain, $all, 'nothing is missing or doubled');
ok($t->wait_for(sub { $t->status->{terminals}{browsers} == 0 }),
    'it stays away');
is(scalar(() = $t->access_log =~ /session=s1/g), 1, 'it came back once');

close $keyboard;
waitpid $pid, 0;
is($?, 0, 'node ends');

$t->finish;

done_testing;
