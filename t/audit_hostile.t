#!/usr/bin/perl

# Strings that would like to be more than strings: names, tools, reasons and
# inputs with quotes, newlines, controls, what is not UTF-8, what is too long.
# Each stays within its member of its line; the input is there byte for byte.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8);
use JSON::PP ();
use Test::More;
use Uplink::Audit;

my $t = Uplink::Audit->new;

$t->audit('input=on', <<'EOC')->run;
    uplink_max_message 128k;
    uplink_identity $http_x_user;
EOC

my $forged = qq("}\n{"chain":"0000000000000000","seq":1,"event":"decided);
my $odd = "\x{1}\x{7f}\x{85}\x{2028}\x{fffd}\x{1f4a9}\r\n\t\\\"/";
my $json = JSON::PP->new->utf8->canonical;

my $sled = $t->sled('alpha', at => 0);
my $op = $t->operator(at => 1);

sub ask {
    my ($id, $tool, $input) = @_;

    $sled->send_text('{"type":"perm_request","req_id":'
        . $json->allow_nonref->encode($id) . ',"payload":{"tool_name":'
        . $json->encode($tool) . ",\"tool_input\":$input}}");

    return $op->await('perm_request');
}

# ---- each in its place

my %case = (forged => $forged, odd => $odd, plain => 'T', nul => "a\0b",
    long => 'L' x 600, wide => "\x{1f4a9}" x 100);

my $n = 0;

for my $name (sort keys %case) {
    my $text = $case{$name};
    my $input = '{ "x" : ' . $json->encode($text) . '}';
    my $ref = $name eq 'nul' ? 'r' : substr $text, 0, 20;

    my $q = ask("$ref-$n", $text, $input);
    $op->decide($q, approved => JSON::PP::false, reason => $text);

    ok(defined $sled->await('perm_response'), "$name: answered");

    my $asked = $t->await_said('asked', req_id => $q->{req_id});
    my $decided = $t->await_said('decided', req_id => $q->{req_id});

    # what does not fit stands as it was escaped, cut

    if ($name eq 'nul') {
        is($asked->{tool_name}, 'a\u0000b', "$name: tool_name");

    } elsif ($name eq 'long') {
        is($asked->{tool_name}, 'L' x 128, "$name: tool_name, cut");
        is($decided->{message}, 'L' x 256, "$name: message, cut");

    } elsif ($name ne 'wide') {
        is($asked->{tool_name}, $text, "$name: tool_name");
        is($decided->{message}, $text, "$name: message");
        is($asked->{sled_req_id}, "$ref-$n", "$name: sled_req_id");
    }

    is(encode_utf8($asked->{input}), $input, "$name: the input, as it came");
    is(sha256_hex(encode_utf8($asked->{input})), $asked->{input_sha256},
        "$name: of which this is the digest");
    is($asked->{input_cut}, undef, "$name: all of it");
    $n++;
}

# ---- an input that is longer than a line has room for

my $long = q({"x":") . q(\u0001) x 8000 . q("});
my $q = ask('long', 'T', $long);
my $asked = $t->await_said('asked', req_id => $q->{req_id});

is($asked->{input}, substr($long, 0, 16384), 'the first 16 KiB');
is($asked->{input_cut}, JSON::PP::true, 'and that there was more');
is($asked->{input_sha256}, sha256_hex($long), 'the digest is of all');
$op->decide($q, approved => JSON::PP::false);
$sled->await('perm_response');

# ---- a name that is no UTF-8; over REST, by a header

my $r = $t->http(POST => '/v1/permissions?wait=0',
    headers => ['X-User' => "caf\xe9\x80\"\\"],
    json => { tool_name => 'T', tool_input => {} });
is($r->status, 202, 'asked over REST');

my ($rest) = grep { $_->{door} eq 'api' } $t->said('asked');
is($rest->{user}, "caf\x{fffd}\x{fffd}\"\\", 'what is no UTF-8 is replaced');
$t->decide($r->json->{req_id}, approved => JSON::PP::false);

$t->finish;

# ---- and nothing else was written

my $text = $t->read_file('audit.log');

ok(utf8::decode(my $copy = $text), 'the log is UTF-8');
is($text =~ tr/\n//, scalar $t->lines, 'one line for each');
is(scalar(grep { $_->{chain} =~ /^0+$/ } $t->lines), 0, 'nothing was forged');
is(scalar $t->said('decided'), $n + 2, 'nor decided');
is(($t->verify)[0], 0, 'the chains are whole');

done_testing;
