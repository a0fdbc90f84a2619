#!/usr/bin/perl

# Questions, hooks and spawns that an engine asks over HTTP of one operator.

use strict;
use warnings;

use Test::More;

use JSON::PP ();

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Operator;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    uplink_request_memory 500ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $op = Uplink::Operator->new($t);

sub ask {
    my ($what, %arg) = @_;

    return $t->start(POST => "/v1/operators/$op->{sid}/$what", limit => 15,
        %arg);
}

# ---- passed on as it was, and so is the reply

my $payload = '{"zeta" :1.50,"task_id":"t","question":{"a\u0062c":[1e3,'
    . '-0.0 , null]},"parent_req_id":"p","alpha":{"z":1,"a":2}}';
my $reply = '"value":{"n" :1.0,"b":[ ]},"extra":"\u00e9"';

for my $port (0, 1) {
    $op->attach(at => $port);

    my $r = ask('ask?wait=30', body => $payload);
    my $m = $op->recv->{payload};
    my ($id) = $m =~ /"req_id":"([^"]+)"/;

    like($id, qr/^\Q$op->{sid}\E-ask-[0-9a-f]{32}$/, 'req_id');
    is($m, qq({"type":"ask","req_id":"$id",) . substr($payload, 1),
        'the payload as it was');

    $op->send_text(qq({"type":"answer","req_id":"$id",$reply}));
    $r->finish;
    is($r->status, 200, 'answered');
    is($r->body, qq({"type":"answer","req_id":"$id",$reply}\n),
        'the reply as it was');

    ok($op->state($id, 'delivered'), 'delivered');
}

# ---- replies: call, reply => what the engine gets, without req_id

for ([ 'ask', 'answer', { value => undef }, { value => undef } ],
     [ 'hook_before', 'hook_ack', { ok => $yes }, { ok => $yes } ],
     [ 'hook_before', 'hook_ack', {}, { ok => $no } ],
     [ 'hook_before', 'hook_ack', { ok => $no, reason => 'no' },
       { ok => $no, reason => 'no' } ],
     [ 'spawn', 'spawn_ack', {}, { ok => $yes, value => undef } ],
     [ 'spawn', 'spawn_ack', { value => 1 }, { ok => $yes, value => 1 } ],
     [ 'spawn', 'spawn_ack', { ok => $no, error => 'e' },
       { ok => $no, error => 'e', value => undef } ],
     [ 'spawn', 'spawn_halt', { value => { done => 3 }, reason => 'enough' },
       { value => { done => 3 }, reason => 'enough' } ],
     [ 'spawn', 'spawn_halt', {}, {} ])
{
    my ($what, $type, $say, $want) = @$_;

    my $r = ask($what, json => { task_id => 't' });
    my $q = $op->await($what);
    $op->send_json({ type => $type, req_id => $q->{req_id}, %$say });

    is_deeply($r->finish->json,
        { type => $type, req_id => $q->{req_id}, %$want },
        "$what, $type " . JSON::PP->new->canonical->encode($say));

    # over REST

    $r = ask($what, json => {});
    $q = $op->await($what);
    is($op->rest(POST => "requests/$q->{req_id}/decision",
        json => { $type eq 'spawn_halt' ? (type => $type) : (), %$say })
        ->status, 200, 'over REST');
    is_deeply($r->finish->json,
        { type => $type, req_id => $q->{req_id}, %$want }, 'the same');
}

# ---- replies that are none

my $r = ask('hook_before?wait=30', json => {});
my $q = $op->await('hook_before');

for ([ 'answer', { value => 1 }, 'wrong_reply' ],
     [ 'perm_response', { approved => $yes }, 'wrong_reply' ],
     [ 'hook_ack', { ok => 'yes' }, 'bad_decision' ])
{
    my ($type, $say, $code) = @$_;

    $op->send_json({ type => $type, req_id => $q->{req_id}, %$say });
    is($op->error->{code}, $code, "$type to a hook: $code");
}

$op->send_json({ type => 'hook_ack', req_id => $q->{req_id}, ok => $yes });
is($r->finish->json->{ok}, $yes, 'and it was open all the time');
$op->send_json({ type => 'hook_ack', req_id => $q->{req_id}, ok => $no });
is($op->error->{code}, 'already_decided', 'the first wins');

# ---- another operator neither sees it nor can answer it

my $other = Uplink::Operator->new($t)->attach;

$r = ask('ask?wait=30', json => { task_id => 't' });
$q = $op->await('ask');
ok($other->quiet, 'another operator does not see it');
$other->send_json({ type => 'answer', req_id => $q->{req_id}, value => 1 });
is($other->error->{code}, 'unknown_req', 'nor can it answer');
is($t->http(POST => "/v1/requests/$q->{req_id}/decision",
    json => { value => 1 })->status, 404, 'nor can anybody else');

# ---- the engine goes away

$r->close;
is($op->state($q, 'withdrawn')->{reason}, 'cancelled', 'withdrawn');

# ---- nobody answers

$r = ask('ask?wait=1', json => {});
$q = $op->await('ask');
is($r->finish->status, 504, 'nobody answers: 504');
is($r->json->{error}{code}, 'timeout', 'timeout');
is($op->state($q, 'expired')->{reason}, 'timeout', 'the operator is told');
$op->send_json({ type => 'answer', req_id => $q->{req_id}, value => 1 });
is($op->error->{code}, 'unknown_req', 'and answers too late');

# ---- an operator who is away

is(ask('hook_after', json => { result => 1 })->finish->status, 202,
    'hook_after: 202');
is($op->await('hook_after')->{result}, 1, 'is told');

$op->ws->close;
ok($t->wait_for(sub {
    !$op->rest(GET => "operators/$op->{sid}")->json->{connected};
}), 'the operator has left');

$r = ask('hook_after', json => {})->finish;
is($r->status, 202, 'hook_after to nobody: 202');
is($r->json->{req_id}, undef, 'without an id');
is($t->http(GET => '/status')->json->{counters}{hooks_dropped}, 1, 'counted');

my @asked;

for my $n (1 .. 5) {
    push @asked, ask('ask?wait=30', json => { n => $n });
    $t->wait_for(sub {
        $op->rest(GET => "operators/$op->{sid}")->json->{pending} == $n;
    });
}

$op->attach;

for my $n (1 .. 5) {
    $q = $op->await('ask');
    is($q->{n}, $n, 'told when it comes back, oldest first');
    $op->send_json({ type => 'answer', req_id => $q->{req_id},
        value => $n * 2 });
    is($asked[$n - 1]->finish->json->{value}, $n * 2, 'and answered');
}

# ---- a session that is deleted

$r = ask('spawn?wait=30', json => {});
$op->await('spawn');
$op->delete;
is($r->finish->status, 410, 'deleted: 410');
is($r->json->{error}{code}, 'operator_gone', 'operator_gone');
is(ask('spawn', json => {})->finish->status, 404, 'and then 404');

$other->delete;
$_->ws->close for $op, $other;

$t->finish;

done_testing;
