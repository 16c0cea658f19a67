# slim.pl GLUE WASM: takes out of wasm-bindgen's glue what only its readers need, indentation and comments on lines of
# their own; and out of every name that glue and wasm share the hash that only sets it apart, as in
# «__wbg_activeElement_6c30fe7fda33ef51»: nothing weighs more, once gzipped, than what is random. In its place
# come digits that are zero wherever the rest of the name is enough, so that the length stays, and the wasm valid.
use strict;
use warnings;

sub text {
    open my $file, '<:raw', $_[0] or die "$_[0]: $!";
    local $/;
    return scalar <$file>;
}

my ($glue, $wasm) = @ARGV;
my ($script, $module) = (text($glue), text($wasm));

my (%plain, %seen);
while ($script =~ /\b((\w+?[_h])[0-9a-f]{16})(?![0-9a-f])/g) {
    $plain{$1} //= sprintf '%s%016d', $2, $seen{$2}++;
}
my $names = join '|', map quotemeta, sort keys %plain;
s/($names)/$plain{$1}/g for $script, $module;

$script =~ s/^\s+//mg;
$script =~ s{^//.*\n}{}mg;

for ([$glue, $script], [$wasm, $module]) {
    my ($name, $text) = @$_;
    open my $file, '>:raw', $name or die "$name: $!";
    print $file $text;
    close $file or die "$name: $!";
}
