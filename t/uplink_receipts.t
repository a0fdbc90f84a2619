#!/usr/bin/perl

# What becomes of a decision: delivered, applied, failed; with receipts and
# without.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    uplink_resume_window 2s;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my $watch = operator($t);

# the states of a request, as an operator hears of them, up to this one

sub states {
    my ($id, $last) = @_;

    my @states;

    while (my $m = $watch->await('request_state')) {
        next if $m->{req_id} ne $id;
        push @states, $m->{state};
        return "@states" if $m->{state} eq $last;
    }

    return "@states, then nothing";
}

sub decided {
    my ($ws, $req_id) = @_;

    request($ws, $req_id);
    my $m = $watch->await('perm_request');
    decide($t, $m->{req_id});
    ok(answer($ws, $req_id)->{approved}, "$req_id: approved");

    return $m->{req_id};
}

# ---- without receipts: written to the socket is delivered

my $ws = sled($t, 'plain');

my $id = decided($ws, 'p1');
is(states($id, 'delivered'), 'decided delivered', 'written: delivered');
say_to($ws, 'perm_applied', 'p1', { applied => JSON::PP::true() });
is(states($id, 'applied'), 'applied', 'applied');
say_to($ws, 'perm_applied', 'p1', { applied => JSON::PP::false() });

$id = decided($ws, 'p2');
say_to($ws, 'perm_applied', 'p2',
    { applied => JSON::PP::false(), error => 'disk full' });
is(states($id, 'failed'), 'decided delivered failed', 'not applied: failed');

# an ack nobody asked for does no harm

$id = decided($ws, 'p3');
say_to($ws, 'perm_ack', 'p3');
is(states($id, 'delivered'), 'decided delivered', 'an ack without receipts');
ok($ws->quiet, 'nothing is said about it');

# ---- with receipts: not before the ack

$ws = sled($t, 'acks', features => ['receipts', 'resume']);

$id = decided($ws, 'a1');
is(states($id, 'decided'), 'decided', 'decided');
ok($watch->quiet, 'not delivered before the ack');
say_to($ws, 'perm_ack', 'a1');
is(states($id, 'delivered'), 'delivered', 'delivered by the ack');
say_to($ws, 'perm_applied', 'a1', { applied => JSON::PP::true() });
is(states($id, 'applied'), 'applied', 'applied');

# who has applied it has got it

$id = decided($ws, 'a2');
say_to($ws, 'perm_applied', 'a2', { applied => JSON::PP::true() });
is(states($id, 'applied'), 'decided delivered applied',
    'applied without an ack');

# lost without an ack: it is said again to the one who resumes

$id = decided($ws, 'a3');
is(states($id, 'decided'), 'decided', 'decided');
$ws->close(reset => 1);

$ws = sled($t, 'acks', features => ['receipts'],
    resume => $ws->{registered});
ok(answer($ws, 'a3')->{approved}, 'said again');
say_to($ws, 'perm_ack', 'a3');
is(states($id, 'delivered'), 'delivered', 'and delivered');

# acked, and lost: not said again, but may still be applied

$ws->close(reset => 1);
$ws = sled($t, 'acks', features => ['receipts'],
    resume => $ws->{registered});
ok($ws->quiet, 'what was acked is not said again');
say_to($ws, 'perm_applied', 'a3', { applied => JSON::PP::true() });
is(states($id, 'applied'), 'applied', 'applied after a resume');

# lost for good without an ack: nobody believes that it arrived

$id = decided($ws, 'a4');
is(states($id, 'decided'), 'decided', 'decided');
$ws->close(reset => 1);
is(states($id, 'withdrawn'), 'withdrawn', 'lost: withdrawn');

# another connection may not speak for it

$ws = sled($t, 'acks', features => ['receipts']);
my $other = sled($t, 'acks', features => ['receipts']);
$id = decided($ws, 'a5');
is(states($id, 'decided'), 'decided', 'decided');
say_to($other, 'perm_ack', 'a5');
say_to($other, 'perm_applied', 'a5', { applied => JSON::PP::true() });
ok($other->quiet, 'said nothing');
ok($watch->quiet, 'and changed nothing');
say_to($ws, 'perm_ack', 'a5');
is(states($id, 'delivered'), 'delivered', 'its own may');

$_->goodbye for $ws, $other;

$t->finish(leaves => 'sessions and ended requests stay');
done_testing;
