#!/usr/bin/perl

# The views of uplink_status: JSON as docs/status.schema.json has it, ready
# says why not, live never lies.  And what cannot be configured.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;

use Uplink::Fleet;

my $t = Uplink::Fleet->new;

$t->fleet(<<'EOC');
        location = /ready { uplink_status main ready; }
        location = /two   { uplink_status main ready format=json min_sleds=2; }
        location = /live  { uplink_status main live; }
        location = /metrics {
            uplink_status main format=prometheus min_sleds=2;
        }
        location = /full  { uplink_status tiny ready; }
        location = /tiny  { uplink_status tiny; }
        location = /big   { uplink_sled tiny; }
EOC

my $conf = $t->read_file('nginx.conf');
$conf =~ s/(\n\s+uplink_zone main)/\n    uplink_zone tiny 64k ports=4;$1/;
$t->write_file('nginx.conf', $conf);

$t->run;

# ---- the schema: of a draft of 2020, by the library that knows it

my $validator = <<'EOC';
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
words = []
for text, definition in json.load(open(sys.argv[2])):
    one = schema
    if definition:
        one = {"$ref": "#/$defs/" + definition, "$defs": schema["$defs"]}
    words.append("; ".join(
        "/".join(map(str, e.absolute_path)) + ": " + e.message
        for e in jsonschema.Draft202012Validator(one).iter_errors(
            json.loads(text))))
print(json.dumps(words))
EOC

$t->write_file('validate.py', $validator);

# all of them at the end, in one go: [name, JSON, definition, what it says]

my @documents;

sub valid {
    my ($path, $definition) = @_;

    my $r = $t->http(GET => $path);
    push @documents, ["$path is as the schema has it", $r->body,
        $definition, qr/^$/];

    return $r;
}

sub validate {
    my ($python) = grep {
        system("$_ -c 'import jsonschema; jsonschema.Draft202012Validator'"
            . ' > /dev/null 2>&1') == 0
    } '/usr/bin/python3', 'python3';

    SKIP: {
        skip 'no jsonschema for python', scalar @documents if !$python;

        $t->write_file('documents', JSON::PP->new->utf8->encode(
            [map { [@$_[1, 2]] } @documents]));
        my $said = `$python $t->{dir}/validate.py \\
            $Uplink::Test::root/docs/status.schema.json \\
            $t->{dir}/documents 2>&1`;
        my $words = eval { JSON::PP->new->utf8->decode($said) };
        diag($said) if !$words;

        like($words->[$_], $documents[$_][3], $documents[$_][0])
            for 0 .. $#documents;
    }

    return;
}

valid('/status');

# ---- ready and live, with nobody there

my $r = valid('/ready', 'ready');
is($r->status, 200, 'ready');
is_deeply([@{$r->json}{qw(ready reasons)}], [JSON::PP::true, []],
    'and no reason why not');

$r = valid('/two', 'ready');
is($r->status, 503, 'not ready');
is_deeply([@{$r->json}{qw(ready reasons sleds min_sleds)}],
    [JSON::PP::false, ['min_sleds'], 0, 2], 'because sleds are missing');
is($t->http(HEAD => '/two')->status, 503, 'HEAD has the same');
is($t->http(HEAD => '/two')->body, '', 'without a body');

$r = valid('/live', 'live');
is($r->status, 200, 'live');
is($r->json->{draining}, JSON::PP::false, 'and not leaving');
ok((grep { $_ == $r->json->{pid} } $t->workers), 'one of the workers');
is($t->http(HEAD => '/live')->status, 200, 'HEAD');

$r = $t->http(GET => '/metrics');
is($r->status, 200, 'a scraper gets its answer even so');
like($r->body, qr/^nginx_uplink_ready 0$/m, 'which says that it is not ready');

for my $path (qw(/ready /live /metrics)) {
    $r = $t->http(POST => $path, body => 'x');
    is($r->status, 405, "POST $path");
    is($r->header('allow'), 'GET, HEAD', 'Allow');
}

# ---- with somebody there

my @sleds = map { $t->sled($_, at => 0) } qw(a b);
my $op = $t->operator(at => 1);
$sleds[0]->ask('r1', {});
$op->decide($op->await('perm_request'), approved => JSON::PP::true);
$sleds[0]->await('perm_response');

my $s = valid('/status')->json;
is($s->{counters}{requests_approved}, 1, 'a counter');
is($s->{histograms}{decision_seconds}{count}, 1, 'a histogram');
is($s->{histograms}{decision_seconds}{buckets}[-1]{count}, 1,
    'with what is below in each bucket');

$r = valid('/two', 'ready');
is($r->status, 200, 'two sleds: ready');
is($r->json->{sleds}, 2, 'it counts');

# a schema that lets everything pass would be none

for ([ sub { $_[0]{more} = 1 }, qr/^: Additional/, 'a member too many' ],
     [ sub { delete $_[0]{zone}{free} }, qr/^zone: /, 'one too few' ],
     [ sub { $_[0]{counters}{bus_drops} = -1 }, qr/^counters/, '-1' ],
     [ sub { $_[0]{counters}{bus_drops} = '1' }, qr/^counters/, 'text' ],
     [ sub { $_[0]{status} = 'fine' }, qr/^status: /, 'another word' ])
{
    my ($change, $want, $name) = @$_;
    my $json = $t->status;

    $change->($json);
    push @documents, ["the schema refuses $name",
        JSON::PP->new->encode($json), undef, $want];
}

# ---- a full zone

is($t->http(GET => '/full')->status, 200, 'a small zone is ready');

my @more;
for my $i (1 .. 2000) {
    my $ws = $t->ws("/big?sled=s$i");
    push @more, $ws;
    $ws->send_json({ type => 'tasks', req_id => 't', payload => {
        tasks => [map { { task_id => "t$_", workspace_id => "w$i",
            issue_id => "i$i-$_", work_dir => '/' . 'x' x 500 } } 1 .. 20] } });
    my $m = $ws->await(sub { 1 });
    last if !$m || ($m->{type} // '') ne 'tasks_ok'
        || @{$m->{payload}{refused} // []};
}

$r = valid('/full', 'ready');
is($r->status, 503, 'a full one is not');
is_deeply($r->json->{reasons}, ['zone_full'], 'and says so');
is($t->http(GET => '/tiny')->status, 200, 'but it serves what stands');
is(valid('/tiny')->json->{status}, 'degraded', 'as well as it can');
cmp_ok($t->http(GET => '/tiny')->json->{counters}{zone_full}, '>', 0,
    'what failed is counted');

validate();

$_->close for @more;
$_->goodbye for @sleds, $op;

# ---- what cannot be configured

for ([ 'ready live', 'invalid parameter "live"' ],
     [ 'format=json format=prometheus',
       'invalid parameter "format=prometheus"' ],
     [ 'format=prometheus ready', 'invalid parameter "ready"' ],
     [ 'labels=user format=prometheus', 'invalid parameter "labels=user"' ],
     [ 'labels=sled', '"uplink_status" directive has "labels=" without '
       . '"format=prometheus"' ],
     [ 'live min_sleds=1', '"uplink_status" directive has "min_sleds=" with '
       . '"live"' ],
     [ 'min_sleds=-1', 'invalid parameter "min_sleds=-1"' ])
{
    my ($words, $want) = @$_;
    my ($code, $message) = $t->check("uplink_zone main 1m;\n"
        . "server { location / { uplink_status main $words; } }\n");

    isnt($code, 0, "refused: $words");
    is($message, "$want in http:2", 'and says why');
}

$t->finish;

done_testing;
