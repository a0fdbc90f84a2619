#!/usr/bin/perl

# What an operator may answer to a permission request, over its socket and
# over REST: each way to be refused leaves the request open.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Operator;
use Uplink::Sled;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    uplink_request_memory 500ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $sled = sled($t, 'alpha');
my $op = Uplink::Operator->new($t)->attach;
my $n = 0;

sub ask {
    request($sled, 'id' . ++$n, @_);
    return $op->await('perm_request');
}

# ---- what the operator sees

my $raw = '{"type":"perm_request","req_id":"raw","payload":{"tool_name":'
    . '"Bash","tool_input" : {"b": 1.00, "a":[ "\u00e9" ]},"description":"d",'
    . '"task_id":"t","issue_id":"i","sled":"evil","req_id":"evil","type":"x",'
    . '"created_ms":1,"expires_ms":1,"input_sha256":"0","extra":true}}';

$sled->send_text($raw);
my $text = $op->recv->{payload};
my $q = JSON::PP->new->utf8->decode($text);

my $input = '"tool_input" : {"b": 1.00, "a":[ "\u00e9" ]}';
like($text, qr/\Q$input\E/, 'tool_input byte for byte');
is($q->{type}, 'perm_request', 'type');
like($q->{req_id}, qr/^any-perm-[0-9a-f]{32}$/, 'req_id');
is($q->{sled}, 'alpha', 'sled');
is($q->{tool_name}, 'Bash', 'tool_name');
is_deeply([@$q{qw(description task_id issue_id)}], [qw(d t i)], 'the rest');
is($q->{input_sha256}, sha256_hex('{"b": 1.00, "a":[ "\u00e9" ]}'),
    'digest of just these bytes');
cmp_ok(abs($q->{created_ms} / 1000 - time), '<', 60, 'created_ms');
is($q->{expires_ms}, $q->{created_ms} + 120_000, 'expires_ms');
is(scalar(() = $text =~ /"(?:sled|req_id|type|created_ms|expires_ms
    |input_sha256)":/gx), 6, 'the gateway\'s own members once');

$op->decide($q, approved => $no);
$op->state($q, 'delivered');
is(answer($sled, 'raw')->{approved}, $no, 'answered');

# ---- refused: fields => code; over the socket, enveloped, and over REST

my $digest = sha256_hex('"other"');

my @refused = (
    [ 'nothing', {}, 'bad_decision' ],
    [ 'approved null', { approved => undef }, 'bad_decision' ],
    [ 'approved 1', { approved => 1 }, 'bad_decision' ],
    [ 'approved "true"', { approved => 'true' }, 'bad_decision' ],
    [ 'approved {}', { approved => {} }, 'bad_decision' ],
    [ 'always_allow 1', { approved => $yes, always_allow => 1 },
      'bad_decision' ],
    [ 'always_allow "no"', { approved => $no, always_allow => 'no' },
      'bad_decision' ],
    [ 'reason 1', { approved => $yes, reason => 1 }, 'bad_decision' ],
    [ 'always and not', { approved => $no, always_allow => $yes },
      'contradictory' ],
    [ 'updated_input and not', { approved => $no, updated_input => {} },
      'bad_decision' ],
    [ 'short digest', { approved => $yes, input_sha256 => 'ab' },
      'bad_decision' ],
    [ 'digest in capitals',
      { approved => $yes, input_sha256 => 'A' x 64 }, 'bad_decision' ],
    [ 'no hex', { approved => $yes, input_sha256 => 'g' x 64 },
      'bad_decision' ],
    [ 'digest a number', { approved => $yes, input_sha256 => 1 },
      'bad_decision' ],
    [ 'digest of something else',
      { approved => $yes, input_sha256 => $digest }, 'digest_mismatch' ],
    [ 'answer', { type => 'answer', value => 1 }, 'wrong_reply' ],
    [ 'hook_ack', { type => 'hook_ack', ok => $yes }, 'wrong_reply' ],
    [ 'spawn_ack', { type => 'spawn_ack' }, 'wrong_reply' ],
    [ 'spawn_halt', { type => 'spawn_halt' }, 'wrong_reply' ],
    [ 'answer without a value', { type => 'answer' }, 'bad_decision' ],
    [ 'hook_ack with ok 1', { type => 'hook_ack', ok => 1 },
      'bad_decision' ],
    [ 'spawn_ack with ok null', { type => 'spawn_ack', ok => undef },
      'bad_decision' ],
);

my %status = (bad_decision => 400, contradictory => 400,
    digest_mismatch => 409, wrong_reply => 409);

$q = ask();

for (@refused) {
    my ($name, $fields, $code) = @$_;
    my %rest = %$fields;
    my $type = delete $rest{type} // 'perm_response';

    $op->send_json({ type => $type, req_id => $q->{req_id}, %rest });
    my $e = $op->error;
    is($e->{code}, $code, "$name: $code");
    is($e->{req_id}, $q->{req_id}, 'with its req_id');
    ok(length $e->{message}, 'and a sentence');

    $op->send_json({ type => $type, req_id => $q->{req_id},
        payload => \%rest });
    is($op->error->{code}, $code, "$name, enveloped: $code");

    my $r = $op->rest(POST => "requests/$q->{req_id}/decision",
        json => $fields);
    is($r->status, $status{$code}, "$name, REST: $status{$code}");
    is($r->json->{error}{code}, $code, $code);
    is($r->json->{state}, $status{$code} == 409 ? 'open' : undef,
        'and in which state it is');
}

is(scalar(open_requests($t, 1)), 1, 'it is open all the same');

$op->decide($q, approved => $yes, input_sha256 => $q->{input_sha256});
is(answer($sled, "id$n")->{approved}, $yes, 'and a good decision is taken');

# ---- unknown, or not a name at all

for my $id ('any-perm-' . '0' x 32, 'any-ask-' . substr($q->{req_id}, -32),
    substr($q->{req_id}, 0, -1), "x$q->{req_id}", 'x', 'y' x 128)
{
    $op->decide($id, approved => $yes);
    is($op->error->{code}, 'unknown_req', "$id: unknown_req");

    is($op->rest(POST => "requests/$id/decision",
        json => { type => 'perm_response', approved => $yes })->status, 404,
        'over REST: 404');
}

is($op->rest(POST => "requests/$q->{req_id}/decision",
    json => { req_id => 'x', approved => $yes })->status, 400,
    'req_id in body and path must agree');
is($op->rest(POST => "requests/$q->{req_id}/decision",
    json => { type => 'register', approved => $yes })->status, 400,
    'a type that is no reply');
is($op->rest(POST => "requests/$q->{req_id}/decision",
    json => { payload => [] })->status, 400, 'a payload that is no object');

# ---- decided already: by whom, and how

$q = ask();
$op->decide($q, approved => $no, reason => "not \"now\"\n");
my $a = answer($sled, "id$n");

is_deeply($a, { approved => $no, always_allow => $no, reason => 'operator',
    message => "not \"now\"\n",
    decided_by => { sid => $op->{sid}, name => '' } }, 'what the sled gets');

is_deeply($op->state($q, 'decided'), { type => 'request_state',
    req_id => $q->{req_id}, state => 'decided', reason => 'operator',
    approved => $no, by => { sid => $op->{sid}, name => '' } },
    'what operators are told');
ok($op->state($q, 'delivered'), 'and that it has arrived');

$op->decide($q, approved => $yes);
my $e = $op->error;
is($e->{code}, 'already_decided', 'already_decided');
is_deeply($e->{by}, { sid => $op->{sid}, name => '' }, 'by whom');
is_deeply($e->{decision}, $a, 'and how');
is($e->{state}, 'delivered', 'and what has become of it');

my $r = $op->rest(POST => "requests/$q->{req_id}/decision",
    json => { approved => $yes });
is($r->status, 409, 'over REST: 409');
is($r->json->{error}{code}, 'already_decided', 'already_decided');
is_deeply($r->json->{decision}, $a, 'with the decision');

is_deeply($op->rest(GET => "requests/$q->{req_id}")->json->{decision}, $a,
    'it can be looked up');

# ---- all that an approval can carry

$q = ask();
$op->send_text('{"type":"perm_response","approved":true,"always_allow":true,'
    . '"updated_input":{"n": 1.0,"x":[]},"input_sha256":"'
    . "$q->{input_sha256}\",\"reason\":null,\"req_id\":\"$q->{req_id}\"}");

my $frame = $sled->recv->{payload};
$frame = $sled->recv->{payload} while $frame =~ /perm_pending/;

like($frame, qr/\Q"updated_input":{"n": 1.0,"x":[]}\E/,
    'updated_input byte for byte');
like($frame, qr/"approved":true,"always_allow":true/, 'for ever');
unlike($frame, qr/"message"/, 'no message where no reason was given');

# ---- over REST

$q = ask();
$r = $op->rest(POST => "requests/$q->{req_id}/decision", json => {
    type => 'perm_response', req_id => $q->{req_id},
    payload => { approved => $yes, reason => 'ok' } });
is($r->status, 200, 'enveloped over REST');
is($r->json->{state}, 'decided', 'decided');
is_deeply($r->json->{decision}, answer($sled, "id$n"),
    'the decision is what the sled gets');

# ---- more time

$q = ask();
my $pending = $sled->await('perm_pending');

$op->send_json({ type => 'extend', req_id => $q->{req_id}, seconds => 60 });
my $s = $op->state($q, 'open');
is($s->{expires_ms}, $q->{expires_ms} + 60_000, 'extend');
is($sled->await('perm_pending')->{payload}{expires_ms}, $s->{expires_ms},
    'the sled hears of it');

$op->send_json({ type => 'extend', req_id => $q->{req_id}, seconds => 86400 });
$s = $op->state($q, 'open');
cmp_ok(abs($s->{expires_ms} - $q->{created_ms} - 1_800_000), '<', 100,
    'at most uplink_permission_max in all');

$op->decide($q, approved => $yes);
$op->state($q, 'delivered');

$op->send_json({ type => 'extend', req_id => $q->{req_id}, seconds => 1 });
is($op->error->{code}, 'already_decided', 'not after the end');
$op->send_json({ type => 'extend', req_id => 'x', seconds => 1 });
is($op->error->{code}, 'unknown_req', 'nor of nothing');

# ---- withdrawn while the operator thinks

$q = ask();
say_to($sled, 'perm_cancel', "id$n");
$s = $op->state($q, 'withdrawn');
is($s->{reason}, 'cancelled', 'withdrawn: cancelled');

$op->decide($q, approved => $yes);
$e = $op->error;
is($e->{code}, 'unknown_req', 'too late');
is($e->{state}, 'withdrawn', 'and why');

$r = $op->rest(POST => "requests/$q->{req_id}/decision",
    json => { approved => $yes });
is($r->status, 409, 'over REST: 409');
is($r->json->{state}, 'withdrawn', 'withdrawn');
is($r->json->{decision}, undef, 'no decision');

$op->delete;
$sled->close;

$t->finish;

done_testing;
