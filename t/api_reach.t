#!/usr/bin/perl

# A question to one operator reaches only those who have a workspace in
# common with the asker: to all others there is no such session.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

$t->write_file('tokens', join '', map { "$_\n" }
    'admin:admin,operator:' . sha256_hex('admin') . ':workspaces=*',
    'op-a:operator:' . sha256_hex('op-a') . ':workspaces=a',
    'op-b:operator:' . sha256_hex('op-b') . ':workspaces=b',
    'op-ab:operator:' . sha256_hex('op-ab') . ':workspaces=a,b',
    'en-a:engine:' . sha256_hex('en-a') . ':workspaces=a',
    'en-all:engine:' . sha256_hex('en-all') . ':workspaces=*',
    'en-none:engine:' . sha256_hex('en-none'),
    'sled-a:sled:' . sha256_hex('sled-a') . ':workspaces=a',
    'sled-none:sled:' . sha256_hex('sled-none'));

my $text = $t->fleet_text;
$text =~ s{uplink_auth off;}
    {uplink_auth_tokens %%DIR%%/tokens; uplink_request_timeout 300ms;};
$text =~ s{(uplink_status main;)}{$1 uplink_auth off;};
$t->conf($text)->run;

sub bearer { return [Authorization => "Bearer $_[0]"] }

my %sid;
for my $op (qw(op-a op-b op-ab)) {
    my $s = $t->http(POST => '/v1/operators', json => {},
        headers => bearer($op))->json;
    $sid{$op} = $s->{sid};
    $t->{mine}{$s->{sid}} = $s->{token};
}

my $s = $t->http(POST => '/v1/operators', json => {},
    headers => bearer('admin'))->json;
$sid{all} = $s->{sid};
$t->{mine}{$s->{sid}} = $s->{token};

# 504: it was asked, and nobody answered in time; 404: no such session

my %expected = (
    'en-a' => { 'op-a' => 504, 'op-b' => 404, 'op-ab' => 504, all => 504 },
    'en-all' => { 'op-a' => 504, 'op-b' => 504, 'op-ab' => 504, all => 504 },
    'en-none' => { 'op-a' => 404, 'op-b' => 404, 'op-ab' => 404, all => 404 },
);

for my $engine (sort keys %expected) {
    for my $op (sort keys %sid) {
        my $r = $t->http(POST => "/v1/operators/$sid{$op}/ask",
            json => { task_id => 't', question => 'q' },
            headers => bearer($engine));
        is($r->status, $expected{$engine}{$op}, "$engine asks $op");
    }
}

# the same from a sled

for my $case ([qw(sled-a op-a timeout)], [qw(sled-a op-b operator_unknown)],
    [qw(sled-a op-ab timeout)], [qw(sled-a all timeout)],
    [qw(sled-none op-a operator_unknown)],
    [qw(sled-none all operator_unknown)])
{
    my ($name, $op, $code) = @$case;

    my $sled = $t->ws('/sled', headers => bearer($name));
    $sled->send_json({ type => 'ask', req_id => 'r', payload => {
        operator => $sid{$op}, task_id => 't', question => 'q' } });

    my $m = $sled->await('error');
    is($m && $m->{payload}{code}, $code, "$name asks $op: $code");
    $sled->goodbye;
}

$t->http(DELETE => "/v1/operators/$_", headers => bearer($t->{mine}{$_}))
    for keys %{$t->{mine}};

$t->finish;

done_testing;
