#!/usr/bin/perl

# A sled that is lost, comes back, goes for good; one that speaks for
# another's terminals; many terminals on one; frames in any pieces.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64;

use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new->fleet('uplink_resume_window 2s;
    uplink_max_terminals 0;', size => '4m')->run;

# ---- lost, and back in another worker

my ($sled, $browser, $open, $opened) = $t->terminal(sled => { at => 0 },
    browser => { at => 1 });
my $all = join '', map { chr rand 256 } 1 .. 30_000;

$sled->show('s1', substr $all, 0, 10_000);
ok($browser->shown(10_000) eq substr($all, 0, 10_000), 'shown');

$sled->close(reset => 1);
my $m = $browser->await('terminal.state');
is($m->{payload}{state}, 'sled_away', 'lost: the browser hears it');
ok($m->{payload}{until_ms} > time * 1000, 'lost: until when');

$browser->type('kept');
ok($browser->quiet, 'what is typed is kept');
$browser->type('x' x 40_000);
$browser->type('x' x 40_000);
is($browser->await('terminal.error')->{payload}{code}, 'sled_away',
    'up to 64 KiB');

my %features = (features => { map { $_ => JSON::PP::true() }
    'terminal.flow', 'terminal.replay' });

my $again = $t->sled('alpha', at => 1, resume => $sled, %features);
is($again->{registered}{resumed}, JSON::PP::true(), 'resumed');
is($browser->await('terminal.state')->{payload}{state}, 'attached',
    'back: the browser hears it');

# what comes before the answer is of no known place

$again->show('s1', 'nonsense');
is($again->replay('s1', $all)->{offset}, 10_000, 'from the missing byte');
ok($browser->shown(20_000) eq substr($all, 10_000), 'not a byte twice');

is($again->typed(40_004), 'kept' . 'x' x 40_000, 'what was typed');

# ---- what it asks belongs to the workspace of its task

$again->ask('q1', { command => 'id' }, task_id => 't1');
my $asked = $t->wait_for(sub {
    $t->http(GET => '/v1/requests?workspace_id=w')->json->{requests}[0] });
is($asked->{workspace_id}, 'w', 'a request, by its task');
$again->send_json({ type => 'perm_cancel', req_id => 'q1' });

# ---- another one, and another connection of the same, speak for it

for my $other ($t->sled('beta', %features), $t->sled('alpha', %features)) {
    my $before = $t->counters->{foreign_session};

    $other->show('s1', 'evil');
    $other->say('terminal.exit', session_id => 's1', exit_code => 1);
    $other->say('terminal.close', session_id => 's1');
    $other->say('terminal.error', session_id => 's1', code => 'x',
        message => 'x');
    ok($other->quiet, 'somebody else');
    is($t->counters->{foreign_session}, $before + 4, 'is counted');
    $other->send_close(1000);
    $other->close;
}

ok($browser->quiet, 'and not heard');

# ---- pieces

my $frame = $again->frame(1, JSON::PP::encode_json({
    type => 'terminal.data', req_id => '', payload => {
    session_id => 's1', data_b64 => encode_base64('0123456789', '') } }));

for my $cut (1 .. length($frame) - 1) {
    $again->send_split($frame, $cut);
}

is($browser->shown(10 * (length($frame) - 1)),
    '0123456789' x (length($frame) - 1), 'frames cut anywhere');

my $fragment = JSON::PP::encode_json({ type => 'terminal.data',
    payload => { session_id => 's1', data_b64 => 'YWJj' } });
$again->send_fragments(1, substr($fragment, 0, 20), substr($fragment, 20));
is($browser->shown(3), 'abc', 'fragments');

# what follows terminal.opened in the same segment

my $second = $t->browser(at => 1);
$open = $again->await('terminal.open')->{payload};
$again->write(join '', map { $again->frame(1, JSON::PP::encode_json($_)) }
    { type => 'terminal.opened', req_id => '', payload => {
        request_id => $open->{request_id}, session_id => 's2' } },
    { type => 'terminal.data', req_id => '', payload => {
        session_id => 's2', data_b64 => 'YWJj' } },
    { type => 'terminal.exit', req_id => '', payload => {
        session_id => 's2', exit_code => 0 } });
is($second->recv_json->{type}, 'terminal.opened', 'opened first');
is($second->shown(3), 'abc', 'then what follows');
is($second->await('terminal.exit')->{payload}{exit_code}, 0, 'then the end');

# unusual forms of the same

$again->send_text('{"type":"terminal.data","payload":{"data_b64":'
    . '"Pz8\/","session_id":"\u0073\u0031","more":[1,2]}}');
is($browser->shown(3), '???', 'escapes');
$again->say('terminal.data', session_id => 's1', data_b64 => '!');
is($again->await('error')->{payload}{code}, 'bad_message', 'no base64');
$again->say('terminal.close', session_id => 's1', reason => 'enough');
is_deeply($browser->await('terminal.exit')->{payload},
    { session_id => 's1', exit_code => -1, reason => 'enough' },
    'the sled closes it');
$browser->expect_close(1000, 'the sled closes it: closed');

# ---- two hundred

my @browsers;

for my $n (1 .. 200) {
    my $b = $t->browser;
    $again->open($b, "n$n");
    push @browsers, $b;
}

is($t->status->{terminals}{sessions}, 200, 'two hundred');

for my $round (1 .. 3) {
    $again->show("n$_", "$_:$round;") for 1 .. 200;
    $browsers[$_ - 1]->type("$_.") for 1 .. 200;
}

my @bad = grep {
    $browsers[$_ - 1]->shown(3 * length "$_:1;") ne "$_:1;$_:2;$_:3;"
} 1 .. 200;
is_deeply(\@bad, [], 'each has its own');

my $typed = 0;
$typed += 3 * length "$_." for 1 .. 200;
is(length $again->typed($typed), $typed, 'and is heard');

# ---- for good

$again->send_close(1000);
my @lost = grep {
    my $x = $_->await('terminal.exit');
    ($x->{payload}{reason} // '') ne 'sled_lost' || $x->{payload}{exit_code}
        != -1;
} @browsers;
is(scalar @lost, 0, 'a goodbye: all of them hear it');

$t->finish;

done_testing;
