#!/usr/bin/perl

# Questions, hooks and spawns from a sled: to one operator or to all, and the
# replies on their way back.

use strict;
use warnings;

use Test::More;

use JSON::PP ();

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location = /few {
            uplink_sled main;
            uplink_max_inflight 1;
        }
        location = /quick {
            uplink_sled main;
            uplink_request_timeout 300ms;
        }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);

my $op = operator($t);
my $ws = sled($t, 'alpha', not_at => $op->header('x-uplink-port'));

# asks, and returns what the operator got

sub asked {
    my ($type, $req_id, $payload, $from) = @_;

    say_to($from // $ws, $type, $req_id, $payload);

    return $op->await($type);
}

sub reply {
    my ($m, %reply) = @_;

    return $op->send_json({ req_id => $m->{req_id}, %reply });
}

# ---- a question: the payload as it was, but for what only the gateway says

my $members = '"question":{"n":1.0,"x":[ 1e3 ]},"task_id":"t-1","b":null,'
    . '"a":"\u00e9"';

$ws->send_text('{"type":"ask","req_id":"a1","payload":{"type":"x",'
    . $members . ',"req_id":"y"}}');

my $text = $op->recv->{payload};
like($text, qr/^\{"type":"ask","req_id":"any-ask-[0-9a-f]{32}",\Q$members\E\}$/,
    'bytes for bytes');
my $m = JSON::PP->new->decode($text);

ok($ws->quiet, 'the sled hears nothing meanwhile');

# the enveloped form is taken as well; a wrong kind leaves it open

reply($m, type => 'hook_ack', ok => $yes);
is($op->recv_json->{code}, 'wrong_reply', 'a reply of the wrong kind');
reply($m, type => 'answer');
is($op->recv_json->{code}, 'bad_decision', 'an answer without a value');
ok($ws->quiet, 'still open');

$op->send_text('{"type":"answer","payload":{"value":{"yes":1.50},"z":1},'
    . "\"req_id\":\"$m->{req_id}\"}");
is($ws->recv->{payload}, '{"type":"answer","req_id":"a1",'
    . '"payload":{"value":{"yes":1.50},"z":1}}', 'the reply, byte for byte');

# ---- hooks

$m = asked('hook_before', 'h1', { task_id => 't', agent => 'x', attempt => 1 });
is($m->{attempt}, 1, 'hook_before');
reply($m, type => 'hook_ack', ok => $no, reason => 'not now');
is_deeply($ws->recv_json, { type => 'hook_ack', req_id => 'h1',
    payload => { ok => $no, reason => 'not now' } }, 'hook_ack');

$m = asked('hook_before', 'h2', {});
reply($m, type => 'hook_ack');
is_deeply($ws->recv_json->{payload}, { ok => $no }, 'no ok is no approval');

say_to($ws, 'hook_after', $_, { task_id => 't', result => { ok => $yes } })
    for '', 'h3';
is_deeply($op->await('hook_after')->{result}, { ok => $yes },
    'hook_after without a req_id') for 1 .. 2;
ok($ws->quiet, 'nothing is said to it');

# ---- spawns

my %spawn = (task_id => 't', agent => 'x', attempt => 1,
    capability_token => 'eyJ', directive => 'go');

$m = asked('spawn', 's1', \%spawn);
is($m->{$_}, $spawn{$_}, "spawn: $_") for sort keys %spawn;
reply($m, type => 'spawn_ack');
is_deeply($ws->recv_json, { type => 'spawn_ack', req_id => 's1',
    payload => { value => undef, ok => $yes } }, 'spawn_ack');

$m = asked('spawn', 's2', \%spawn);
reply($m, type => 'spawn_halt', value => { done => 3 }, reason => 'enough');
is_deeply($ws->recv_json, { type => 'spawn_halt', req_id => 's2',
    payload => { value => { done => 3 }, reason => 'enough' } },
    'spawn_halt');

# ---- to one of two

my $other = operator($t);
my $sid = $other->{session}{sid};

$m = asked('ask', 'one1', { operator => $op->{session}{sid}, question => 1 });
like($m->{req_id}, qr/^\Q$op->{session}{sid}\E-ask-/, 'its name has the sid');
ok($other->quiet, 'the other one does not see it');
$other->send_json({ type => 'answer', req_id => $m->{req_id}, value => 1 });
is($other->recv_json->{code}, 'unknown_req', 'nor may answer it');
reply($m, type => 'answer', value => 2);
is($ws->recv_json->{payload}{value}, 2, 'the one who was asked');

# away: it waits, and is there when the operator is

$other->close;
$t->wait_for(sub {
    $t->http(GET => '/status')->json->{operators}{connected} == 1;
});

say_to($ws, 'ask', 'away', { operator => $sid, question => 1 });
say_to($ws, 'hook_after', '', { operator => $sid });
ok($ws->quiet, 'it waits');

my $token = $other->{session}{token};
$other = $t->ws("/v1/operators/$sid/ws",
    headers => [Authorization => "Bearer $token"]);
$m = $other->recv_json;
is($m->{type}, 'ask', 'redelivered; hook_after was dropped');
$other->send_json({ type => 'answer', req_id => $m->{req_id}, value => 3 });
is($ws->recv_json->{payload}{value}, 3, 'and answered');

# ---- failures

say_to($ws, 'ask', 'e1', { operator => 'nobody' });
$m = $ws->recv_json;
is("$m->{type} $m->{req_id} $m->{payload}{code}",
    'error e1 operator_unknown', 'operator_unknown');
say_to($ws, 'ask', 'e2', { operator => 'x' x 200 });
is($ws->recv_json->{payload}{code}, 'operator_unknown', 'a long name');
say_to($ws, 'ask', 'e3', { operator => 7 });
is($ws->recv_json->{payload}{code}, 'bad_request', 'no name');
$ws->send_text('{"type":"ask"}');
is($ws->recv_json->{payload}{code}, 'bad_message', 'no req_id');

say_to($ws, 'ask', 'gone', { operator => $sid });
$other->await('ask');
is($t->http(DELETE => "/v1/operators/$sid",
    headers => [Authorization => "Bearer $token"])->status, 204, 'deleted');
$m = $ws->recv_json;
is("$m->{type} $m->{req_id} $m->{payload}{code}", 'error gone operator_gone',
    'operator_gone');

my $quick = sled($t, 'quick', path => '/quick');
asked('spawn', 'slow', \%spawn, $quick);
$m = $quick->recv_json;
is("$m->{type} $m->{req_id} $m->{payload}{code}", 'error slow timeout',
    'timeout');

my $few = sled($t, 'few', path => '/few');
request($few, 'p');
say_to($few, 'ask', 'q', {});
$m = $few->await('error');
is("$m->{req_id} $m->{payload}{code}", 'q too_many_requests',
    'questions count as well');

say_to($ws, 'ask', 'twice', {});
say_to($ws, 'spawn', 'twice', {});
is($ws->recv_json->{payload}{code}, 'duplicate_req_id',
    'one name for all kinds');

# no payload at all

$ws->send_text('{"type":"ask","req_id":"bare"}');
$m = $op->await(sub { keys %{$_[0]} == 2 && $_[0]{type} eq 'ask' });
reply($m, type => 'answer', value => undef);
is_deeply($ws->await('answer')->{payload}, { value => undef },
    'nothing was asked, and null was said');

$_->goodbye for $ws, $quick, $few;

$t->finish(leaves => 'sessions and ended requests stay');
done_testing;
